"""Handles the launch, cancel and clean commands of one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ir.storable import Location, unstorable
from headrace_contracts.messages.commands import (
    AttemptCommand,
    CancelAttempt,
    CleanRun,
    LaunchAttempt,
)
from headrace_contracts.messages.events import AttemptFailed
from headrace_contracts.messages.subjects import executor_commands
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RetryableError
from headrace_runtime.pg.database import Database, Unit

from headrace_executor import store
from headrace_executor.runner import Runner
from headrace_executor.store import Launch, identity


class Handlers:
    """Stores what the commands of a batch ask for, then hands it to the runner.

    All executors of a cluster read the same consumer. The one that gets a launch owns it; a cancel
    or clean command that concerns launches of another executor is left to it in the database, which
    that executor reads when it renews its lease.
    """

    def __init__(self, database: Database, runner: Runner, cluster: str) -> None:
        self._database = database
        self._runner = runner
        self._consumer = executor_commands(cluster).durable

    async def handle(self, batch: list[Received[AttemptCommand]]) -> None:
        """Handle a batch; handling it repeatedly has the same effect as once."""
        await self._runner.until_adopted()
        cleans = [c.message.run_id for c in batch if isinstance(c.message, CleanRun)]
        for run_id in set(cleans):
            await self._runner.clean_run(run_id)
        launches = [c.message for c in batch if isinstance(c.message, LaunchAttempt)]
        with self._runner.remembering_ends():  # a comparison may find them before this returns
            try:
                new = await self._stored(batch)
            except RetryableError:
                # It may be committed, and the commands redelivered to another executor.
                self._runner.request_comparison()
                raise
            for command in launches:
                if identity(command) in new:
                    self._runner.enqueue(Launch(command))
        if not all(identity(command) in new for command in launches):
            # The first delivery may be committed although its process did not learn of it.
            self._runner.request_comparison()
        for received in batch:
            if isinstance(received.message, CancelAttempt):
                self._runner.cancel(identity(received.message))

    async def _stored(self, batch: list[Received[AttemptCommand]]) -> set[store.Identity]:
        """Store what the commands ask for; returns the launches that were unknown."""
        try:
            return await self._database.transact(lambda unit: self._store(unit, batch, {}))
        except store.LaunchNotStorableError:
            refused = {
                identity(command): _refused(command, found)
                for command in (received.message for received in batch)
                if isinstance(command, LaunchAttempt)
                and (found := unstorable(command.model_dump(mode="json"))) is not None
            }
            if not refused:
                raise
            return await self._database.transact(lambda unit: self._store(unit, batch, refused))

    async def _store(
        self,
        unit: Unit,
        batch: list[Received[AttemptCommand]],
        refused: Mapping[store.Identity, AttemptFailed],
    ) -> set[store.Identity]:
        """Store what the new commands ask for; returns the launches that were unknown. Those that
        are `refused` cannot be stored, and end so."""
        admitted = await unit.admit(self._consumer, [received.id for received in batch])
        fresh = [received.message for received in batch if received.id in admitted]
        launches = {identity(c): c for c in fresh if isinstance(c, LaunchAttempt)}
        owner = self._runner.owner
        new: set[store.Identity] = set()
        known = set(launches)
        for key in known & refused.keys():
            if await store.insert_ended(unit.connection, key, refused[key], is_canceled=False):
                unit.publish(refused[key])
                known.discard(key)
        storable = [command for key, command in launches.items() if key not in refused]
        if storable:
            new = await store.insert(unit.connection, owner, storable)
        await self._report_results(unit, [key for key in launches if key in known - new])
        for cancel in (c for c in fresh if isinstance(c, CancelAttempt)):
            result = _canceled(cancel)
            if await store.request_cancel(unit.connection, cancel, result):
                unit.publish(result)
        cleans = [c.run_id for c in fresh if isinstance(c, CleanRun)]
        if cleans:
            await store.request_cleans(unit.connection, owner, cleans)
        return new

    async def _report_results(self, unit: Unit, keys: list[store.Identity]) -> None:
        """Report how these launches ended, those that have. A repeated launch command is a status
        query; the answer has a new message id, since the first one did not arrive."""
        if keys:
            for result in await store.results(unit.connection, keys):
                unit.publish(result)


def _refused(command: LaunchAttempt, found: tuple[Location, str]) -> AttemptFailed:
    location, fault = found
    where = ".".join(map(str, location)) or "it"
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=Failure(
            code=FailureCode.INPUT_INVALID,
            message=f"the step cannot be launched: {where} {fault}; remove it",
        ),
        finished_at=datetime.now(UTC),
    )


def _canceled(command: CancelAttempt) -> AttemptFailed:
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=Failure(
            code=FailureCode.CANCELED, message="the step was canceled before it started"
        ),
        finished_at=datetime.now(UTC),
    )
