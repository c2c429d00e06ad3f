"""Files on a disk that may be full: small ones that another process reads while they are replaced,
and what the launcher says about itself."""

from __future__ import annotations

import contextlib
import os
from typing import TextIO


def write_whole(path: str, body: bytes) -> None:
    """Write a file that is either absent, or complete. Its folder is created again if the step
    has removed it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        file.write(body)
    os.replace(path + ".part", path)


class LossyText:
    """A text file whose failures are ignored: what a full disk has no room for must not end the
    step."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write a text, if that is possible; returns its length."""
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, if that is possible."""
        with contextlib.suppress(OSError):
            self._file.flush()
