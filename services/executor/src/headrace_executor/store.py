"""Launches in Postgres: what to run, who owns it, the backend's handle, and the result.

Invariant: what changes a launch names its owner and epoch, and changes nothing if another executor
has taken the launch over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from headrace_contracts.messages.commands import CancelAttempt, LaunchAttempt
from headrace_contracts.messages.events import AttemptFailed, AttemptSucceeded
from headrace_runtime.pg.database import Connection, ReadConnection
from headrace_runtime.pg.queries import load_queries
from pydantic import TypeAdapter

from headrace_executor.backends.port import Handle
from headrace_executor.core.outcome import Outcome

_QUERIES = load_queries("headrace_executor")
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(AttemptSucceeded | AttemptFailed)

Identity = tuple[UUID, UUID, int]
"""Run, task, attempt."""


Claim = tuple[UUID, UUID, int, str, int, int]
"""Run, task, attempt, owner, epoch, execution: what a write about an execution has to match."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt that this executor owns, or has to remove."""

    command: LaunchAttempt
    epoch: int = 1
    """Grows with each executor that takes the launch over; writes with an older one are refused."""
    execution: int = 1
    """The execution that was claimed last."""
    state: Literal["WAITING", "RUNNING"] = "WAITING"
    cancel_requested: bool = False
    handle: Handle | None = None
    is_inherited: bool = False
    """It was read from the database: the execution may have been started, by whoever."""
    is_foreign: bool = False
    """An executor with another name had it at some time."""
    is_taken: bool = False
    """Another executor has taken it over; what is left of it here is to be removed."""

    @property
    def identity(self) -> Identity:
        """Run, task, attempt."""
        return identity(self.command)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a renewal of the lease found."""

    is_held: bool
    """False when there was no lease, or it had expired, so that others may have taken over."""
    cancels: list[Identity]
    cleans: list[UUID]
    taken: list[Identity]
    """Launches that others have taken over, and of which something may be left here."""
    has_expired_owner: bool
    """Another owner has open launches and an expired lease."""


def identity(command: LaunchAttempt | CancelAttempt) -> Identity:
    """Run, task, attempt."""
    return command.run_id, command.task_id, command.attempt


async def insert(
    connection: Connection, owner: str, commands: Sequence[LaunchAttempt]
) -> set[Identity]:
    """Store these launches; returns those that are new."""
    keys = _columns([identity(command) for command in commands])
    rows = await connection.fetch(_QUERIES["insert_launches"], *keys, list(commands), owner)
    return {_key(row) for row in rows}


async def results(connection: Connection, keys: Sequence[Identity]) -> list[Outcome]:
    """The results of those of these attempts that have ended."""
    rows = await connection.fetch(_QUERIES["results"], *_columns(keys))
    return [_OUTCOME.validate_python(row["result"]) for row in rows]


async def request_cancel(
    connection: Connection, command: CancelAttempt, result: AttemptFailed
) -> bool:
    """Store that an attempt shall stop. Returns True when it was unknown: then it has ended, before
    its launch arrived, with `result`."""
    key = identity(command)
    if await connection.fetchrow(_QUERIES["request_cancel"], *key) is not None:
        return False
    if await insert_ended(connection, key, result, is_canceled=True):
        return True
    # It has ended, or another executor has stored it between the two statements.
    await connection.fetchrow(_QUERIES["request_cancel"], *key)
    return False


async def insert_ended(
    connection: Connection, key: Identity, result: AttemptFailed, *, is_canceled: bool
) -> bool:
    """Store that an attempt has ended without a launch; False when it is known."""
    row = await connection.fetchrow(_QUERIES["insert_ended"], *key, is_canceled, result)
    return row is not None


async def claim_execution(connection: Connection, claim: Claim) -> bool:
    """Make this execution the one whose end counts, and the one before it void; False when another
    executor owns the launch, or it has ended."""
    return await connection.fetchrow(_QUERIES["claim_execution"], *claim) is not None


async def set_running(connection: Connection, claim: Claim, handle: Handle, at: datetime) -> bool:
    """Store the handle of a running execution; False when it is not the one that counts."""
    return await connection.fetchrow(_QUERIES["set_running"], *claim, handle, at) is not None


async def set_ended(connection: Connection, claim: Claim, result: Outcome) -> bool:
    """Store the end of a launch by an execution; False when it is not open, or the execution is not
    the one that counts."""
    row = await connection.fetchrow(_QUERIES["set_ended"], *claim, result)
    return row is not None


async def has_ended(connection: Connection, claim: Claim) -> bool:
    """Whether the end of this execution is stored."""
    return await connection.fetchrow(_QUERIES["has_ended"], *claim) is not None


async def acquire_lease(connection: Connection, owner: str, seconds: float) -> None:
    """Start the owner's lease."""
    await connection.execute(_QUERIES["acquire_lease"], owner, timedelta(seconds=seconds))


async def renew_lease(connection: Connection, owner: str, seconds: float) -> Renewal:
    """Extend the owner's lease, and read what waits for the owner."""
    rows = await connection.fetch(_QUERIES["renew_lease"], owner, timedelta(seconds=seconds))
    kinds = {row["kind"] for row in rows}
    return Renewal(
        is_held="lease" in kinds,
        cancels=[_key(row) for row in rows if row["kind"] == "cancel"],
        cleans=[row["run_id"] for row in rows if row["kind"] == "clean"],
        taken=[_key(row) for row in rows if row["kind"] == "taken"],
        has_expired_owner="expired" in kinds,
    )


async def release_lease(connection: Connection, owner: str) -> None:
    """End the owner's lease."""
    await connection.execute(_QUERIES["release_lease"], owner)


async def adopt(connection: Connection, owner: str) -> list[Launch]:
    """Take the open launches of the owner's predecessor, in the order of their arrival."""
    return _launches(await connection.fetch(_QUERIES["adopt"], owner))


async def take_over(connection: Connection, owner: str, limit: int) -> list[Launch]:
    """Take at most `limit` launches whose owner's lease has expired, in the order of arrival."""
    return _launches(await connection.fetch(_QUERIES["take_over"], owner, limit))


async def owned(connection: ReadConnection, owner: str) -> dict[Identity, int]:
    """The open launches of an owner, with their epochs."""
    rows = await connection.fetch(_QUERIES["owned"], owner)
    return {_key(row): row["epoch"] for row in rows}


async def owned_launches(
    connection: ReadConnection, owner: str, keys: Sequence[Identity]
) -> list[Launch]:
    """Those of these launches that the owner has and that are open, in the order of arrival."""
    rows = await connection.fetch(_QUERIES["owned_launches"], owner, *_columns(keys))
    return _launches(rows)


async def taken_launches(
    connection: ReadConnection, owner: str, keys: Sequence[Identity]
) -> list[Launch]:
    """Those of these launches that others took from the owner, and that it has not given up."""
    rows = await connection.fetch(_QUERIES["taken_launches"], owner, *_columns(keys))
    return [replace(launch, is_taken=True) for launch in _launches(rows)]


async def set_given_up(connection: Connection, key: Identity, owner: str) -> None:
    """Store that nothing is left of a launch at the owner from which it was first taken."""
    await connection.execute(_QUERIES["set_given_up"], *key, owner)


async def epochs(
    connection: Connection | ReadConnection, owner: str, keys: Sequence[Identity]
) -> dict[Identity, int]:
    """The epochs of those of these launches that the owner has, or had when they ended."""
    rows = await connection.fetch(_QUERIES["epochs"], owner, *_columns(keys))
    return {_key(row): row["epoch"] for row in rows}


async def open_among(connection: ReadConnection, keys: Sequence[Identity]) -> set[Identity]:
    """Those of these launches that are open, or whose first owner still has to remove something."""
    rows = await connection.fetch(_QUERIES["open_among"], *_columns(keys))
    return {_key(row) for row in rows}


async def confirm_owned(connection: Connection, key: Identity, owner: str, epoch: int) -> bool:
    """Whether the owner has this launch; it cannot be taken over before the commit."""
    return await connection.fetchrow(_QUERIES["confirm_owned"], *key, owner, epoch) is not None


async def request_cleans(connection: Connection, owner: str, run_ids: Sequence[UUID]) -> None:
    """Have the other owners that had launches of these runs clean them too."""
    await connection.execute(_QUERIES["request_cleans"], owner, run_ids)


async def set_cleaned(connection: Connection, owner: str, run_ids: Sequence[UUID]) -> None:
    """Store that the owner has cleaned these runs."""
    await connection.execute(_QUERIES["cleaned"], owner, run_ids)


async def purge(connection: Connection, older_than: timedelta) -> None:
    """Remove leases and cleanings of executors that are gone for this long."""
    await connection.execute(_QUERIES["purge_leases"], older_than)
    await connection.execute(_QUERIES["purge_cleans"], older_than)


async def purge_launches(connection: Connection, older_than: timedelta) -> None:
    """Remove launches that ended this long ago."""
    await connection.execute(_QUERIES["purge_launches"], older_than)


def _columns(keys: Sequence[Identity]) -> tuple[list[Any], ...]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


def _key(row: Any) -> Identity:
    return row["run_id"], row["task_id"], row["attempt"]


def _launches(rows: Sequence[Any]) -> list[Launch]:
    return [_launch(row) for row in sorted(rows, key=lambda row: row["position"])]


def _launch(row: Any) -> Launch:
    return Launch(
        command=LaunchAttempt.model_validate(row["command"]),
        epoch=row["epoch"],
        execution=row["execution"],
        state=row["state"],
        cancel_requested=row["cancel_requested"],
        handle=row["handle"],
        is_inherited=True,
        is_foreign=row["is_foreign"],
    )
