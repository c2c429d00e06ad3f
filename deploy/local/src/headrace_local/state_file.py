"""The file with the state of the deployment: written by the supervisor, read by the commands.

It is overwritten in place, in space that it already has, so that a full disk does not prevent a
write. A file system that copies on write may need space for it; then the write is repeated later.
Readers recognize a half-written state by its two numbers.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_SIZE = 32 * 1024
_READS = 5


class StateFile:
    """The supervisor's side."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._number = 0
        self._written: dict[str, Any] | None = None

    def write(self, content: dict[str, Any]) -> bool:
        """Write the state if it has changed. False if that is not possible at present."""
        if content == self._written:
            return True
        self._number += 1
        numbered = {"number": self._number, **content, "number_at_end": self._number}
        try:
            if self._descriptor is None:
                self._descriptor = _open(self._path)
            os.pwrite(self._descriptor, json.dumps(numbered).encode().ljust(_SIZE), 0)
        except OSError:
            return False
        self._written = content
        return True


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _SIZE)
        os.ftruncate(descriptor, _SIZE)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_state(path: Path) -> dict[str, Any]:
    """The state that was last written; empty if there is none that can be read."""
    for _ in range(_READS):
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("number") == content.get("number_at_end"):
            return content
    return {}
