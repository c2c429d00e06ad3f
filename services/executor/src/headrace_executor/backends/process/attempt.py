"""What runs of an attempt on this machine, by the lock of the attempt and the marks of its
processes."""

from __future__ import annotations

import asyncio

from headrace_contracts.messages.commands import LaunchAttempt
from headrace_launcher import attempt_lock
from headrace_launcher.attempt_lock import Record

from headrace_executor.backends.process import pids
from headrace_executor.core.execution import Execution, attempt_id
from headrace_executor.core.launch import LAUNCH_ID_VARIABLE

_SETTLE_TRIES = 20
_SETTLE_PAUSE_SECONDS = 0.05


async def launcher_of(execution: Execution, lock: str) -> tuple[Record, bool] | None:
    """The launcher that has accepted this execution, and whether it still runs it. None when there
    is none, and there will be none if every channel to one is closed.

    A launcher that holds the lock otherwise is about to end, since nobody takes its answer. One
    that does not, because it is stopped, is killed: it has done nothing yet.
    """
    while True:
        for _ in range(_SETTLE_TRIES):
            record, is_held = attempt_lock.read(lock)
            is_accepted = record is not None and record.is_accepted
            if record is not None and is_accepted and record.execution == execution.number:
                return record, is_held
            if not is_held:
                return None
            await asyncio.sleep(_SETTLE_PAUSE_SECONDS)
        await pids.end_users(lock)


async def end(command: LaunchAttempt, lock: str, owner: str) -> None:
    """Kill whatever runs of an attempt; returns when it has ended. The launcher first: it could
    still start something. `owner` is the variable, as ``NAME=VALUE``, that every process of this
    deployment has: a copy of it on the same machine has attempts with the same ids."""
    if attempt_lock.read(lock)[1]:
        await pids.end_users(lock)
    await pids.end_marked(owner, LAUNCH_ID_VARIABLE, attempt_id(command))
