"""Small files that another process reads while they are replaced."""

from __future__ import annotations

import os


def write_whole(path: str, body: bytes) -> None:
    """Write a file that is either absent, or complete. Its folder is created again if the step
    has removed it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        file.write(body)
    os.replace(path + ".part", path)
