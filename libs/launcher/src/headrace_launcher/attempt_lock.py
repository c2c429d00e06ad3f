"""The lock of an attempt: one launcher at a time runs it, and each execution is started once.

It is a file with an exclusive lock of the kernel (flock), which ends with its holder. In the file
is a record of the last holder. The executor creates the file and reads it: a record that is
accepted names the launcher that runs, or ran, that execution.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace

_RECORD_BYTES = 256
"""All records have the same size, so that one write replaces a record."""


class RefusedError(Exception):
    """The execution must not start; the message says why."""


@dataclass(frozen=True)
class Record:
    """A launcher that took the lock."""

    pid: int
    start_time: int
    execution: int
    is_accepted: bool = False
    """Whether the launcher has told its client that it runs the execution. Until then it has done
    nothing for it, and ends without doing anything if its client is gone."""


class AttemptLock:
    """The lock, held by this process until `release`."""

    def __init__(self, descriptor: int, record: Record) -> None:
        self._descriptor = descriptor
        self._record = record
        self._write()

    def accept(self) -> None:
        """Record that the execution runs."""
        self._record = replace(self._record, is_accepted=True)
        self._write()

    def release(self) -> None:
        """Let go of the lock; the record stays."""
        os.close(self._descriptor)

    def _write(self) -> None:
        body = json.dumps(asdict(self._record)).encode().ljust(_RECORD_BYTES)
        os.pwrite(self._descriptor, body, 0)


def take(path: str, record: Record) -> AttemptLock:
    """Take the lock for the execution of `record`.

    Raises:
        RefusedError: another launcher holds it, the execution has been started before, a later one
            has, or there is no lock file (any more).
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise RefusedError(f"cannot open the attempt's lock {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(f"the attempt is run by {_read(descriptor)}") from None
        last = _read(descriptor)
        if last is not None and (last.execution, last.is_accepted) >= (record.execution, True):
            raise RefusedError(f"the attempt was last run by {last}")
        return AttemptLock(descriptor, record)
    except OSError as error:
        os.close(descriptor)
        raise RefusedError(f"cannot use the attempt's lock {path}: {error.strerror}") from None
    except RefusedError:
        os.close(descriptor)
        raise


def read(path: str) -> tuple[Record | None, bool]:
    """The record of the last holder, None if there is none, and whether the lock is held."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None, False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor), True
        return _read(descriptor), False
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Record | None:
    try:
        return Record(**json.loads(os.pread(descriptor, _RECORD_BYTES, 0)))
    except (ValueError, TypeError):  # nothing was written yet
        return None
