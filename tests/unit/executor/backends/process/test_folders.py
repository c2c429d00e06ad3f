"""The folders of attempts: leftovers, workspaces, and the mark of an orderly stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headrace_contracts.launches import STOP_MARK
from headrace_executor.backends.port import Attempt
from headrace_executor.backends.process.folders import AttemptFolders

RUN, OTHER, TASK = UUID(int=1), UUID(int=2), UUID(int=3)


async def none_open(_: Sequence[Attempt]) -> set[Attempt]:
    return set()


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_leftovers_and_empty_folders_are_removed_and_nothing_else(tmp_path: Path) -> None:
    folders = AttemptFolders(tmp_path)
    open_attempt, left = (RUN, TASK, 1), (RUN, TASK, 2)
    for attempt in (open_attempt, left, (OTHER, TASK, 1)):
        (folders.path(attempt) / "work").mkdir(parents=True)
    (folders.workspace(RUN) / "data").mkdir(parents=True)
    (tmp_path / str(UUID(int=9))).mkdir()
    (tmp_path / ".owner").touch()
    (tmp_path / "note").mkdir()

    async def open_among(attempts: Sequence[Attempt]) -> set[Attempt]:
        assert len(attempts) == 3
        return {open_attempt}

    assert await folders.sweep(open_among) == 2
    kept = [f"{RUN}/workspace/data", f"{RUN}/workspace", str(RUN), ".owner", "note"]
    work = folders.path(open_attempt).relative_to(tmp_path)
    assert below(tmp_path) == sorted([*kept, str(work), f"{work}/work"])


async def test_a_launch_that_starts_during_a_sweep_keeps_its_folder(tmp_path: Path) -> None:
    folders = AttemptFolders(tmp_path)
    new = (RUN, TASK, 2)
    folders.path((RUN, TASK, 1)).mkdir(parents=True)

    async def starts_meanwhile(attempts: Sequence[Attempt]) -> set[Attempt]:
        folders.path(new).mkdir(parents=True)
        await asyncio.sleep(0)
        return set()

    assert await folders.sweep(starts_meanwhile) == 1
    assert folders.path(new).exists()


async def test_a_work_folder_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert await AttemptFolders(tmp_path / "none").sweep(none_open) == 0


def test_an_orderly_stop_is_marked_at_each_attempt_that_was_there(tmp_path: Path) -> None:
    folders = AttemptFolders(tmp_path)
    was_there, came_later = (RUN, TASK, 1), (RUN, TASK, 2)
    folders.path(was_there).mkdir(parents=True)
    folders.workspace(RUN).mkdir()
    (tmp_path / STOP_MARK).touch()
    folders.take_stop_mark()
    folders.path(came_later).mkdir()
    folders.take_stop_mark()
    assert folders.was_stopped(was_there)
    assert not folders.was_stopped(came_later)
    assert not folders.stop_mark.exists()
    assert below(folders.workspace(RUN)) == []
