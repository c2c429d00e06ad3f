"""News in, decisions out: one transaction for a batch of events, whatever runs they are about."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.events import (
    Event,
    RunSubmitted,
)
from headrace_contracts.ids import derived_event_id
from headrace_contracts.subjects import SCHEDULER_EVENTS
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit

from headrace_scheduler.core.decide import News, decide, launch_again
from headrace_scheduler.core.run import Decision, Run, TaskRecord
from headrace_scheduler.store import RunStore


class Handlers:
    """The scheduler's shell around `decide`."""

    def __init__(self, database: Database, store: RunStore, cluster: str) -> None:
        self._database = database
        self._store = store
        self._cluster = cluster
        self._log = get_logger()

    async def handle(self, batch: list[Received[Event]]) -> None:
        """Decide on a batch, commit, and keep the runs in memory."""
        after = await self._database.transact(lambda unit: self._decide(unit, batch))
        for version, run in after:
            self._store.remember(version, run)

    async def _decide(self, unit: Unit, batch: list[Received[Event]]) -> list[tuple[int, Run]]:
        fresh = await unit.admit(SCHEDULER_EVENTS.durable, [received.id for received in batch])
        news = [r.message for r in batch if r.id in fresh and isinstance(r.message, News)]
        runs = await self._store.lock(unit, {item.run_id for item in news})
        changed: dict[UUID, Run] = {}
        tasks: dict[UUID, TaskRecord] = {}
        for item in news:
            version, run = await self._run_of(unit, runs, item)
            runs[item.run_id] = (version, run)
            decision = decide(run, item, self._cluster)
            if decision.header is run.header and not decision.tasks and not decision.commands:
                continue
            run.apply(decision)
            changed[item.run_id] = run
            tasks.update((task.task_id, task) for task in decision.tasks)
            _publish(unit, run, decision)
        await self._store.save(unit, list(changed.values()), list(tasks.values()))
        return [(version + (run_id in changed), run) for run_id, (version, run) in runs.items()]

    async def _run_of(
        self, unit: Unit, runs: dict[UUID, tuple[int, Run]], item: News
    ) -> tuple[int, Run]:
        known = runs.get(item.run_id)
        if known is not None:
            return known
        if isinstance(item, RunSubmitted):
            return 1, await self._store.create(unit, item)
        raise RetryableError(f"run {item.run_id} is not known yet")

    async def ask_again(self, silence_seconds: float) -> int:
        """Launch again what nothing was heard of; returns how many. The executor answers a launch
        that it knows with what became of it, so that lost news arrives after all."""

        async def work(unit: Unit) -> tuple[int, list[tuple[int, Run]]]:
            silent = await self._store.silent(unit, silence_seconds)
            runs = await self._store.lock(unit, silent)
            for run_id, (_, run) in runs.items():
                for task_id in silent[run_id]:
                    task = run.find(task_id)
                    if task is not None:
                        unit.publish(launch_again(run, task, self._cluster))
            return sum(map(len, silent.values())), list(runs.values())

        count, runs = await self._database.transact(work)
        for version, run in runs:
            self._store.remember(version, run)
        if count:
            self._log.warning("launches_repeated", count=count)
        return count


def _publish(unit: Unit, run: Run, decision: Decision) -> None:
    """Stage what a decision says, under ids that the same decision gives again."""
    run_id = run.submission.run_id
    for event in decision.events:
        task = getattr(event, "task_id", None)
        attempt = getattr(event, "attempt", None)
        unit.publish(event, derived_event_id(run_id, event.type, task, attempt))
    for command in decision.commands:
        unit.publish(
            command, derived_event_id(run_id, command.type, command.task_id, command.attempt)
        )
