"""Commands in: what shall run is kept, then handed to the runner; what shall stop is told to;
what a run leaves is removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from headrace_contracts.commands import AttemptCommand, CancelAttempt, CleanRun, LaunchAttempt
from headrace_contracts.events import AttemptFailed
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.subjects import executor_commands
from headrace_runtime.bus.consumer import Received
from headrace_runtime.pg.database import Database, Unit

from headrace_executor import store
from headrace_executor.runner import Runner
from headrace_executor.store import Launch, identity


class Handlers:
    """The executor's ear."""

    def __init__(self, database: Database, runner: Runner, cluster: str) -> None:
        self._database = database
        self._runner = runner
        self._consumer = executor_commands(cluster).durable

    async def handle(self, batch: list[Received[AttemptCommand]]) -> None:
        """Keep a batch of commands, then act on them. To clean leaves nothing to keep: it is done
        before the message counts as handled, and harmless when it is done twice."""
        for run_id in {c.message.run_id for c in batch if isinstance(c.message, CleanRun)}:
            await self._runner.clean_run(run_id)
        fresh, cancels = await self._database.transact(lambda unit: self._keep(unit, batch))
        for command in fresh:
            self._runner.enqueue(Launch(command, "WAITING", False, None, None, None))
        for cancel in cancels:
            self._runner.cancel(identity(cancel))

    async def _keep(
        self, unit: Unit, batch: list[Received[AttemptCommand]]
    ) -> tuple[list[LaunchAttempt], list[CancelAttempt]]:
        """What to run and what to stop. A repeat of the batch, whose first transaction may have
        committed without anybody having heard so, gives the same answer."""
        admitted = await unit.admit(self._consumer, [received.id for received in batch])
        fresh = [received.message for received in batch if received.id in admitted]
        launches = list({identity(c): c for c in fresh if isinstance(c, LaunchAttempt)}.values())
        new = await store.insert(unit.connection, launches) if launches else set()
        await self._answer_repeats(unit, [c for c in launches if identity(c) not in new])
        for cancel in (c for c in fresh if isinstance(c, CancelAttempt)):
            result = _canceled(cancel)
            if await store.request_cancel(unit.connection, cancel, result):
                unit.publish(result)
        commands = [received.message for received in batch]
        known = [c for c in commands if isinstance(c, LaunchAttempt) and identity(c) not in new]
        waiting = await store.waiting(unit.connection, known) if known else set()
        return (
            [c for c in launches if identity(c) in new]
            + [c for c in known if identity(c) in waiting],
            [c for c in commands if isinstance(c, CancelAttempt)],
        )

    async def _answer_repeats(self, unit: Unit, repeats: Sequence[LaunchAttempt]) -> None:
        """A launch that is known is a question: what became of it? Under a new message id, since
        whoever asks has not heard the first answer."""
        if repeats:
            for result in await store.results(unit.connection, repeats):
                unit.publish(result)


def _canceled(command: CancelAttempt) -> AttemptFailed:
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=Failure(code=FailureCode.CANCELED, message="canceled before it started"),
        finished_at=datetime.now(UTC),
    )
