"""Reads of one run or task on behalf of a caller. What is in a namespace that the caller does not
see is reported as not found."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.access import Access
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database, ReadConnection

from headrace_recorder.core.rows import RunRow, TaskRow
from headrace_recorder.runs import store


def not_found(message: str) -> RejectedError:
    """The error for what does not exist, or is not visible to the caller."""
    return RejectedError.because(RejectionCode.NOT_FOUND, message)


def run_not_found(run_id: UUID) -> RejectedError:
    """The error for a run that does not exist, or is not visible to the caller."""
    return not_found(f"run {run_id} not found")


async def visible_run(
    connection: ReadConnection, caller: Access, run_id: UUID
) -> tuple[RunRow, int]:
    """A run and its version.

    Raises:
        RejectedError: the run is not found.
    """
    found = await store.run_by_id(connection, run_id, caller.visible)
    if found is None:
        raise run_not_found(run_id)
    return found


async def visible_task(database: Database, caller: Access, task_id: UUID) -> TaskRow:
    """A task that has been planned.

    Raises:
        RejectedError: the task is not found.
    """
    async with database.read() as connection:
        found = await store.task_by_id(connection, task_id, caller.visible)
    if found is None or found.plan is None:
        raise not_found(f"task {task_id} not found")
    return found


async def visible_task_of_run(
    database: Database, caller: Access, run_id: UUID, task_id: UUID
) -> tuple[RunRow, TaskRow]:
    """A run, and one of its tasks.

    Raises:
        RejectedError: the run is not found, or has no such task.
    """
    async with database.read() as connection:
        run = await store.run_by_id(connection, run_id, caller.visible)
        task = await store.task_by_id(connection, task_id, caller.visible) if run else None
    if run is None or task is None or task.run_id != run_id:
        raise not_found(f"task {task_id} not found in run {run_id}")
    return run[0], task
