"""The name of a work folder, by which its executor owns launches.

Invariant: one process holds a work folder. The kernel releases the lock whenever the process dies,
so the next holder knows that the former one is dead, and may adopt its launches at once.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from headrace_runtime.errors import FatalError

_OWNER_FILE = ".owner"
_PATIENCE_SECONDS = 10.0
"""A predecessor that was asked to stop needs a moment."""
_POLL_SECONDS = 0.1


@asynccontextmanager
async def hold_work_dir(work_dir: Path) -> AsyncIterator[str]:
    """Hold the folder and give its owner name: ``process-HOST-8 hex digits``, chosen at the first
    use of the folder.

    Raises:
        FatalError: another process holds it, or it cannot be written to.
    """
    descriptor = _open(work_dir)
    try:
        await _lock(descriptor, work_dir)
        yield _name(descriptor)
    finally:
        os.close(descriptor)


def _open(work_dir: Path) -> int:
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        return os.open(work_dir / _OWNER_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FatalError(f"cannot use the work folder {work_dir}: {error.strerror}") from None


async def _lock(descriptor: int, work_dir: Path) -> None:
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                raise FatalError(
                    f"another executor uses the work folder {work_dir}; give each executor a "
                    "folder of its own (HEADRACE_EXECUTOR_WORK_DIR)"
                ) from None
            await asyncio.sleep(_POLL_SECONDS)


def _name(descriptor: int) -> str:
    """The name in the file; a new one when there is none, or when a crash cut it off."""
    found = os.pread(descriptor, 300, 0).decode(errors="replace")
    if found.endswith("\n"):
        return found.strip()
    name = f"process-{socket.gethostname()}-{uuid4().hex[:8]}"
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{name}\n".encode(), 0)
    os.fsync(descriptor)
    return name
