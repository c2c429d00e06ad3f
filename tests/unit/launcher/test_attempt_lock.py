"""The lock of an attempt: one launcher at a time, and each execution once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from headrace_launcher.attempt_lock import Record, RefusedError, read, take


@pytest.fixture
def lock(tmp_path: Path) -> str:
    path = tmp_path / "lock"
    path.touch()
    return str(path)


def record(execution: int) -> Record:
    return Record(os.getpid(), 7, execution)


def test_a_lock_that_is_held_says_who_holds_it(lock: str) -> None:
    held = take(lock, record(1))
    assert read(lock) == (record(1), True)
    held.accept()
    assert read(lock) == (Record(os.getpid(), 7, 1, is_accepted=True), True)
    with pytest.raises(RefusedError, match=rf"run by Record\(pid={os.getpid()}, .*execution=1"):
        take(lock, record(2))
    held.release()
    assert read(lock) == (Record(os.getpid(), 7, 1, is_accepted=True), False)


@pytest.mark.parametrize(
    ("last", "is_accepted", "execution", "is_refused"),
    [
        (1, False, 1, False),  # the launcher before did nothing for it
        (1, True, 1, True),
        (1, True, 2, False),
        (2, False, 1, True),
        (2, True, 1, True),
    ],
)
def test_an_execution_starts_once_and_not_after_a_later_one(
    lock: str, last: int, is_accepted: bool, execution: int, is_refused: bool
) -> None:
    held = take(lock, record(last))
    if is_accepted:
        held.accept()
    held.release()
    if is_refused:
        with pytest.raises(RefusedError, match="last run by"):
            take(lock, record(execution))
        assert read(lock)[0] == Record(os.getpid(), 7, last, is_accepted)
    else:
        take(lock, record(execution)).release()
        assert read(lock) == (record(execution), False)


def test_without_its_file_nothing_starts(tmp_path: Path) -> None:
    """The executor has removed it with the attempt, whose end is committed."""
    path = str(tmp_path / "lock")
    with pytest.raises(RefusedError, match="No such file"):
        take(path, record(1))
    assert read(path) == (None, False)
    assert not os.path.exists(path)


def test_a_reader_between_lock_and_record_sees_no_record(lock: str) -> None:
    assert read(lock) == (None, False)
    Path(lock).write_text('{"pid": ')
    assert read(lock) == (None, False)
