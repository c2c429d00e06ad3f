"""News in, decisions out: one transaction for a batch of events, whatever runs they are about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from headrace_contracts.commands import CleanRun
from headrace_contracts.events import (
    Event,
    RunDeleted,
    RunRetryRequested,
    RunSubmitted,
    TasksPlanned,
)
from headrace_contracts.ids import derived_event_id
from headrace_contracts.states import RunState
from headrace_contracts.subjects import SCHEDULER_EVENTS
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import TooEarlyError
from headrace_runtime.logging import get_logger
from headrace_runtime.pg.database import Database, Unit

from headrace_scheduler import lookups, store
from headrace_scheduler.core.admission import admit
from headrace_scheduler.core.decide import (
    BusNews,
    News,
    RunAdmitted,
    TaskSilent,
    TimeCame,
    decide,
)
from headrace_scheduler.core.draft import CacheEntry, Decision
from headrace_scheduler.core.run import Run, TaskRecord
from headrace_scheduler.lookups import Lookups
from headrace_scheduler.store import Locked, RunStore

NewsOf = Callable[[Unit], Awaitable[list[News]]]


@dataclass(slots=True)
class _Batch:
    """One transaction's work: the runs it is about, and what is to be written of them."""

    unit: Unit
    now: datetime
    runs: dict[UUID, Locked]
    changed: dict[UUID, Run] = field(default_factory=dict)
    tasks: dict[UUID, tuple[UUID, TaskRecord]] = field(default_factory=dict)
    cache: list[tuple[Run, CacheEntry]] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)
    """Where a run has ended or begun to wait, so that another one may start."""


class Handlers:
    """The scheduler's shell around `decide`."""

    def __init__(self, database: Database, runs: RunStore, answers: Lookups, cluster: str) -> None:
        self._database = database
        self._store = runs
        self._lookups = answers
        self._cluster = cluster
        self._log = get_logger()

    async def handle(self, received: list[Received[Event]]) -> None:
        """Decide on a batch of messages."""

        async def news(unit: Unit) -> list[News]:
            ids = [one.id for one in received]
            fresh = await unit.admit(SCHEDULER_EVENTS.durable, ids)
            return [r.message for r in received if r.id in fresh and isinstance(r.message, BusNews)]

        await self._transact(news)

    async def tick(self) -> int:
        """Decide on what waited for this moment; returns how much it was."""
        now = datetime.now(UTC)
        async with self._database.read() as connection:
            found = await store.due(connection, now)

        async def news(_: Unit) -> list[News]:
            return [TimeCame(run_id, task_id) for run_id, task_id in found]

        if found:
            await self._transact(news)
        return len(found)

    async def ask_again(self, silence_seconds: float) -> int:
        """Launch again what nothing was heard of; returns how many. The executor answers a launch
        that it knows with what became of it, so that lost news arrives after all."""
        count = 0

        async def news(unit: Unit) -> list[News]:
            nonlocal count
            silent = await self._store.silent(unit, silence_seconds)
            count = sum(map(len, silent.values()))
            return [TaskSilent(run_id, one) for run_id, tasks in silent.items() for one in tasks]

        await self._transact(news)
        if count:
            self._log.warning("launches_repeated", count=count)
        return count

    async def purge(self, keep_hours: float) -> None:
        """Forget deleted runs for good."""
        async with self._database.read() as connection:
            await store.purge(connection, keep_hours)

    async def _transact(self, news_of: NewsOf) -> None:
        async def work(unit: Unit) -> list[Locked]:
            return await self._decide(unit, await news_of(unit))

        for locked in await self._database.transact(work):
            if locked.run is not None:
                self._store.remember(locked.version, locked.run)

    async def _decide(self, unit: Unit, news: list[News]) -> list[Locked]:
        whole = {item.run_id for item in news if isinstance(item, RunRetryRequested)}
        runs = await self._store.lock(unit, {item.run_id for item in news}, whole)
        batch = _Batch(unit, datetime.now(UTC), runs)
        for item in news:
            await self._judge(batch, item)
        await self._save(batch)
        for namespace in sorted(batch.namespaces):
            await self._admit(batch, namespace)
        return list(runs.values())

    async def _judge(self, batch: _Batch, item: News) -> None:
        """Decide on one piece of news, with the store's answers to what the decision asks."""
        run = await self._run_of(batch, item)
        if run is None:
            return
        decision = decide(run, item, batch.now, self._cluster)
        self._note(batch, run, decision, item)
        asked = decision.lookups
        while asked:
            await self._keep_outputs(batch)  # the answer may be among them
            answers = await self._lookups.answer(batch.unit.connection, run, asked)
            further = [decide(run, one, batch.now, self._cluster) for one in answers]
            for one in further:
                self._note(batch, run, one, item)
            asked = [lookup for one in further for lookup in one.lookups]
        if isinstance(item, RunDeleted):
            await self._forget(batch, item.run_id)

    async def _run_of(self, batch: _Batch, item: News) -> Run | None:
        """The run that the news is about; None when it was deleted."""
        known = batch.runs.get(item.run_id)
        if known is not None:
            return known.run
        if isinstance(item, RunSubmitted):
            run = await self._store.create(batch.unit, item)
            batch.runs[item.run_id] = Locked(1, run)
            return run
        if isinstance(item, RunDeleted):
            await self._forget(batch, item.run_id)
            return None
        raise TooEarlyError(f"run {item.run_id} is not known yet")

    async def _forget(self, batch: _Batch, run_id: UUID) -> None:
        known = batch.runs.get(run_id)
        if known is not None and known.run is not None:
            batch.namespaces.add(known.run.submission.namespace)
        batch.changed.pop(run_id, None)
        batch.tasks = {key: kept for key, kept in batch.tasks.items() if kept[0] != run_id}
        batch.cache = [kept for kept in batch.cache if kept[0].run_id != run_id]
        await self._store.delete(batch.unit, run_id)
        batch.runs[run_id] = Locked(0, None)

    def _note(self, batch: _Batch, run: Run, decision: Decision, item: News) -> None:
        waits = run.header.state is RunState.PENDING and isinstance(item, RunSubmitted)
        if waits or (run.header.state.final and not decision.empty):
            batch.namespaces.add(run.submission.namespace)
        if decision.empty:
            return
        batch.changed[run.run_id] = run
        batch.tasks.update((task.task_id, (run.run_id, task)) for task in decision.tasks)
        batch.cache += [(run, entry) for entry in decision.cache]
        _publish(batch.unit, run, decision, again=isinstance(item, TaskSilent))

    async def _save(self, batch: _Batch) -> None:
        await self._store.save(batch.unit, list(batch.changed.values()), list(batch.tasks.values()))
        await self._keep_outputs(batch)
        for run_id in batch.changed:
            batch.runs[run_id].version += 1
        batch.changed, batch.tasks = {}, {}

    async def _keep_outputs(self, batch: _Batch) -> None:
        kept, batch.cache = batch.cache, []
        await lookups.keep(batch.unit.connection, kept)

    async def _admit(self, batch: _Batch, namespace: str) -> None:
        """Start the runs of a namespace that there is room for now."""
        connection = batch.unit.connection
        waiting = await store.queued(connection, namespace)
        if not waiting:
            return
        admitted = admit(await store.active(connection, namespace), waiting)
        batch.runs |= await self._store.lock(
            batch.unit, [run_id for run_id in admitted if run_id not in batch.runs]
        )
        for run_id in admitted:
            await self._judge(batch, RunAdmitted(run_id))
        await self._save(batch)


def _publish(unit: Unit, run: Run, decision: Decision, *, again: bool) -> None:
    """Stage what a decision says, under ids that the same decision gives again. A launch that is
    repeated needs an id of its own: it is a new question."""
    for message in (*decision.events, *decision.commands):
        identity = None if again else derived_event_id(run.run_id, message.type, *_of(run, message))
        unit.publish(message, identity)


def _of(run: Run, message: object) -> Iterable[object]:
    """What tells a message from others of its type in the same run."""
    if isinstance(message, TasksPlanned):
        return (message.tasks[0].task_id,)
    if isinstance(message, CleanRun):
        return (run.header.revision,)
    if hasattr(message, "revision"):
        return (message.revision,)
    return (getattr(message, "task_id", None), getattr(message, "attempt", None))
