"""Launches in Postgres: what was asked for, which process runs it, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_contracts.commands import CancelAttempt, LaunchAttempt
from headrace_contracts.events import AttemptFailed, AttemptSucceeded
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries
from pydantic import TypeAdapter

from headrace_executor.core.outcome import Outcome

_QUERIES = load_queries("headrace_executor")
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(AttemptSucceeded | AttemptFailed)

Identity = tuple[UUID, UUID, int]


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt as it stands."""

    command: LaunchAttempt
    state: str
    cancel_requested: bool
    pid: int | None
    pid_started: int | None
    started_at: datetime | None
    left_behind: bool = False
    """Kept by an earlier executor, which may have forked its launcher without noting it."""

    @property
    def identity(self) -> Identity:
        """Run, task, attempt."""
        return identity(self.command)


def identity(command: LaunchAttempt | CancelAttempt) -> Identity:
    """Run, task, attempt."""
    return command.run_id, command.task_id, command.attempt


async def insert(connection: Connection, commands: Sequence[LaunchAttempt]) -> set[Identity]:
    """Keep these launches; returns those that are new."""
    rows = await connection.fetch(_QUERIES["insert_launches"], *_columns(commands), list(commands))
    return {(row["run_id"], row["task_id"], row["attempt"]) for row in rows}


async def results(connection: Connection, commands: Sequence[LaunchAttempt]) -> list[Outcome]:
    """How those of these attempts ended that have ended."""
    rows = await connection.fetch(_QUERIES["results"], *_columns(commands))
    return [_OUTCOME.validate_python(row["result"]) for row in rows]


async def request_cancel(
    connection: Connection, command: CancelAttempt, result: AttemptFailed
) -> bool:
    """Note that an attempt shall stop. Returns True when it was not known yet: then it has ended
    before it began, with `result`."""
    key = identity(command)
    if await connection.fetchrow(_QUERIES["request_cancel"], *key) is not None:
        return False
    return await connection.fetchrow(_QUERIES["insert_canceled"], *key, result) is not None


async def waiting(connection: Connection, commands: Sequence[LaunchAttempt]) -> set[Identity]:
    """Those of these attempts that are known and have not been started."""
    rows = await connection.fetch(_QUERIES["waiting"], *_columns(commands))
    return {(row["run_id"], row["task_id"], row["attempt"]) for row in rows}


async def open_launches(connection: ReadConnection) -> list[Launch]:
    """Everything that has not ended."""
    return [_launch(row) for row in await connection.fetch(_QUERIES["open_launches"])]


async def set_running(
    connection: Connection, key: Identity, pid: int, pid_started: int, at: datetime
) -> bool:
    """Note the launcher's process; False when the attempt has ended meanwhile."""
    row = await connection.fetchrow(_QUERIES["set_running"], *key, pid, pid_started, at)
    return row is not None


async def set_ended(connection: Connection, key: Identity, result: Outcome) -> bool:
    """Note the end; False when it was noted before."""
    return await connection.fetchrow(_QUERIES["set_ended"], *key, result) is not None


def _columns(commands: Sequence[LaunchAttempt]) -> tuple[list[Any], ...]:
    return (
        [command.run_id for command in commands],
        [command.task_id for command in commands],
        [command.attempt for command in commands],
    )


def _launch(row: Any) -> Launch:
    return Launch(
        command=LaunchAttempt.model_validate(row["command"]),
        state=row["state"],
        cancel_requested=row["cancel_requested"],
        pid=row["pid"],
        pid_started=row["pid_started"],
        started_at=row["started_at"],
        left_behind=True,
    )
