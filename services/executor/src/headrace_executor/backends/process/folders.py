"""The folders of attempts in the work folder: which there are, which of them are left over, and
which attempts were stopped together with the deployment.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from headrace_contracts.launches import STOP_MARK

from headrace_executor.backends.port import Attempt, OpenAmong

_WORKSPACE = "workspace"
_STOPPED = "stopped-with-deployment"


class AttemptFolders:
    """The folders below a work folder: one for each run, in it one for each attempt, and the run's
    workspace."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir

    def path(self, attempt: Attempt) -> Path:
        """The folder of an attempt."""
        run_id, task_id, number = attempt
        return self._work_dir / str(run_id) / f"{task_id.hex}-{number}"

    def workspace(self, run_id: UUID) -> Path:
        """The workspace of a run."""
        return self._work_dir / str(run_id) / _WORKSPACE

    @property
    def stop_mark(self) -> Path:
        """The file that exists while the deployment is being stopped."""
        return self._work_dir / STOP_MARK

    def take_stop_mark(self) -> None:
        """Mark each attempt that was there when the deployment was stopped; nothing was started
        since. Called before anything else is done in the work folder, and repeated if its process
        is killed meanwhile."""
        if self.stop_mark.exists():
            for folder in self._found().values():
                (folder / _STOPPED).touch()
            self.stop_mark.unlink()

    def was_stopped(self, attempt: Attempt) -> bool:
        """Whether the attempt was stopped together with the deployment."""
        return (self.path(attempt) / _STOPPED).exists()

    def remove_stop_mark(self, attempt: Attempt) -> None:
        """The attempt is started again: what was stopped is an earlier execution of it."""
        (self.path(attempt) / _STOPPED).unlink(missing_ok=True)

    async def remove(self, attempt: Attempt) -> None:
        """Remove the folder of an attempt, and that of its run if it is empty."""
        await asyncio.to_thread(shutil.rmtree, self.path(attempt), ignore_errors=True)
        self._remove_run_folder(attempt[0])

    async def remove_workspace(self, run_id: UUID) -> None:
        """Remove the workspace of a run, and the run's folder if it is empty."""
        await asyncio.to_thread(shutil.rmtree, self.workspace(run_id), ignore_errors=True)
        self._remove_run_folder(run_id)

    async def sweep(self, open_among: OpenAmong) -> int:
        """Remove the folders of attempts that are not open, and empty folders of runs; returns how
        many attempts there were. A launch is stored before its folder is created, so what is found
        first and is not open then has ended."""
        found = await asyncio.to_thread(self._found)
        left = found.keys() - await open_among(list(found)) if found else set()
        for attempt in left:
            await self.remove(attempt)
        for run_id in await asyncio.to_thread(lambda: list(self._runs())):
            self._remove_run_folder(run_id)
        return len(left)

    def _found(self) -> dict[Attempt, Path]:
        return {
            attempt: folder
            for run_id in self._runs()
            for folder in _listed(self._work_dir / str(run_id))
            if (attempt := _attempt_of(run_id, folder)) is not None
        }

    def _runs(self) -> Iterator[UUID]:
        for folder in _listed(self._work_dir):
            with contextlib.suppress(ValueError):
                yield UUID(folder.name)

    def _remove_run_folder(self, run_id: UUID) -> None:
        """Remove a run's folder if it is empty. Not in a thread: the folders of an attempt are
        created on the event loop too, and must not lose the outer one in between."""
        with contextlib.suppress(OSError):
            (self._work_dir / str(run_id)).rmdir()


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # removed meanwhile, or a file
        return []


def _attempt_of(run_id: UUID, folder: Path) -> Attempt | None:
    """The attempt of a folder, from its name; None if it is none, such as a workspace."""
    task, _, number = folder.name.partition("-")
    try:
        return run_id, UUID(hex=task), int(number)
    except ValueError:
        return None
