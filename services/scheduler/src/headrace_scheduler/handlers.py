"""Events in, decisions out: one transaction for a batch of events, of any number of runs.

The object store is never read within a transaction: see `plans` for specs, and `lookups` for the
outputs of earlier executions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.messages.commands import CancelAttempt, CleanRun
from headrace_contracts.messages.events import (
    Event,
    RunDeleted,
    RunFailed,
    RunRetryRequested,
    RunSubmitted,
    TasksPlanned,
)
from headrace_contracts.messages.subjects import SCHEDULER_EVENTS
from headrace_contracts.states import RunState
from headrace_contracts.values import BlobRef
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RetryableError, TooEarlyError
from headrace_runtime.logging import get_logger
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database, Unit

from headrace_scheduler import cache, lookups, store
from headrace_scheduler.core.admission import admit
from headrace_scheduler.core.decide import (
    BusEvent,
    RunAdmitted,
    SchedulerEvent,
    TaskSilent,
    TimerDue,
    decide,
)
from headrace_scheduler.core.decision import CacheEntry, Decision
from headrace_scheduler.core.run import Run, TaskRecord
from headrace_scheduler.lookups import StoredObject, Unverified, Verifications, Verified
from headrace_scheduler.plans import Plans, PlansMissingError, SpecUnreadableError
from headrace_scheduler.store import Locked, RunStore

_TIMER_PAUSE_SECONDS = 5.0
"""How long the timers of a run wait whose plan could not be read."""
Excluded = Mapping[UUID, Exception]
"""The runs that cannot be decided on now, because their plans cannot be read, with the reasons."""
EventsOf = Callable[[Unit, Excluded], Awaitable[list[SchedulerEvent]]]
"""Gives the events to decide on, within the transaction, without those of the excluded runs."""


@dataclass(slots=True)
class _Batch:
    """The work of one transaction: its runs, and what is to be written of them."""

    unit: Unit
    now: datetime
    excluded: Mapping[UUID, Exception]
    runs: dict[UUID, Locked]
    changed: dict[UUID, Run] = field(default_factory=dict)
    tasks: dict[UUID, tuple[UUID, TaskRecord]] = field(default_factory=dict)
    cache: list[tuple[Run, CacheEntry]] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)
    """Where a run has ended or been queued, so that another one may start."""
    existing: Collection[StoredObject] = ()
    """Objects that were just found in the object store."""
    unverified: list[Unverified] = field(default_factory=list)
    """Lookups to verify after the commit."""


class Handlers:
    """Handles events and timers: loads runs, calls `decide`, and saves decisions."""

    def __init__(self, database: Database, objects: ObjectStore, cluster: str) -> None:
        self._database = database
        self._objects = objects
        self._plans = Plans(objects)
        self._store = RunStore(self._plans)
        self._verifications = Verifications(objects)
        self._cluster = cluster
        self._postponed_timers: dict[UUID, datetime] = {}
        """The runs whose timers wait until the given time."""
        self._log = get_logger()

    async def handle(self, received: list[Received[Event]]) -> None:
        """Decide on a batch of events.

        Raises:
            RetryableError: some were left out, because the plans of their runs cannot be read.
        """

        async def events(unit: Unit, excluded: Excluded) -> list[SchedulerEvent]:
            by_id = {r.id: r.message for r in received if not _postponed(r.message, excluded)}
            new = await unit.admit(SCHEDULER_EVENTS.durable, by_id)
            return [
                event
                for identity, event in by_id.items()
                if identity in new and isinstance(event, BusEvent)
            ]

        messages = [r.message for r in received]
        excluded = await self._transact(
            events, {m.run_id: m.spec for m in messages if isinstance(m, RunSubmitted)}
        )
        errors = [error for m in messages if (error := _postponed(m, excluded))]
        if errors and len(received) > 1:
            raise TooEarlyError("the plans of some runs cannot be read")  # delivered one by one
        if errors:
            raise errors[0]

    async def tick(self) -> int:
        """Decide on pauses and deadlines that are over by Postgres' clock; returns how many there
        were."""
        now = await self._database.time()
        async with self._database.read() as connection:
            found = await store.due(connection, now, list(self._postponed_timers))

        self._postponed_timers = {i: at for i, at in self._postponed_timers.items() if at > now}
        if found:
            postponed = await self._decide_each([TimerDue(*one) for one in found])
            until = now + timedelta(seconds=_TIMER_PAUSE_SECONDS)
            self._postponed_timers |= dict.fromkeys(postponed, until)
        return len(found)

    async def repeat_silent_launches(self, silence_seconds: float) -> int:
        """Repeat the launches of tasks without events for a while; returns how many. For a launch
        that it knows, the executor publishes the state again, which replaces lost events."""
        count = 0

        async def events(unit: Unit, _: Excluded) -> list[SchedulerEvent]:
            nonlocal count
            silent = await self._store.silent(unit, silence_seconds)
            count = sum(map(len, silent.values()))
            return [TaskSilent(run_id, one) for run_id, tasks in silent.items() for one in tasks]

        await self._transact(events)
        if count:
            self._log.warning("launches_repeated", count=count)
        return count

    async def repeat_stalled_lookups(self, seconds: float) -> int:
        """Repeat lookups without an answer for a while; returns how many. A process that was
        verifying them may have crashed."""
        async with self._database.read() as connection:
            found = await store.stalled_lookups(connection, seconds)
        if found:
            await self._decide_each([TaskSilent(*one) for one in found])
        return len(found)

    async def _decide_each(self, events: Sequence[SchedulerEvent]) -> Excluded:
        """Decide on events in one transaction; if that fails unexpectedly, on those of each run
        alone, so that a fault of one run does not hold up others. Returns the runs that were left
        out."""

        async def given(_: Unit, __: Excluded) -> list[SchedulerEvent]:
            return list(events)

        run_ids = {event.run_id for event in events}
        try:
            return await self._transact(given)
        except RetryableError:
            raise
        except Exception as error:
            if len(run_ids) == 1:
                self._log.exception("decision_failed", run_id=str(*run_ids))
                return dict.fromkeys(run_ids, error)
        excluded: dict[UUID, Exception] = {}
        for run_id in run_ids:
            excluded |= await self._decide_each([one for one in events if one.run_id == run_id])
        return excluded

    async def admit_queued(self) -> None:
        """Admit queued runs. Usually they are admitted when another run ends; this is for those
        that were left out then."""
        async with self._database.read() as connection:
            namespaces = await store.queued_namespaces(connection)

        async def events(_: Unit, __: Excluded) -> list[SchedulerEvent]:
            return []

        if namespaces:
            await self._transact(events, namespaces=namespaces)

    async def purge(self, keep_hours: float) -> None:
        """Delete the marks of deleted runs."""
        async with self._database.read() as connection:
            await store.purge(connection, keep_hours)

    async def _answer_lookups(self, verified: Verified) -> None:
        """Decide on the answers to lookups."""

        async def events(unit: Unit, _: Excluded) -> list[SchedulerEvent]:
            await cache.delete(unit.connection, verified.scope, verified.missing)
            return list(verified.answers)

        for error in (await self._transact(events, existing=verified.existing)).values():
            raise RetryableError(f"lookups are not answered: {error}") from error

    async def _transact(
        self,
        events_of: EventsOf,
        specs: Mapping[UUID, BlobRef] | None = None,
        namespaces: Iterable[str] = (),
        existing: Collection[StoredObject] = (),
    ) -> Excluded:
        """Decide in one transaction, and admit queued runs of `namespaces`. `specs` are those that
        are known to be needed, by run; `existing` are objects that were just found. Returns the
        runs that were left out."""
        with self._plans.hold() as loaded:
            excluded = await self._plans.load(specs or {}, loaded)

            async def work(unit: Unit) -> _Batch:
                events = await events_of(unit, excluded)
                return await self._decide(unit, events, excluded, namespaces, existing)

            while True:
                try:
                    batch = await self._database.transact(work)
                    break
                except PlansMissingError as error:
                    excluded |= await self._plans.load(error.specs, loaded)
        for locked in batch.runs.values():
            if locked.run is not None:
                self._store.remember(locked.version, locked.run)
        for unverified in batch.unverified:
            self._verifications.start(unverified, self._answer_lookups)
        if excluded:
            first = next(iter(excluded.values()))
            self._log.warning("runs_postponed", count=len(excluded), error=str(first))
        return excluded

    async def _decide(
        self,
        unit: Unit,
        events: list[SchedulerEvent],
        excluded: Excluded,
        namespaces: Iterable[str],
        existing: Collection[StoredObject],
    ) -> _Batch:
        if excluded:
            events = [event for event in events if not _postponed(event, excluded)]
        whole = {event.run_id for event in events if isinstance(event, RunRetryRequested)}
        runs = await self._store.lock(
            unit, {event.run_id for event in events if event.run_id not in excluded}, whole
        )
        batch = _Batch(
            unit,
            await unit.time(),
            excluded,
            runs,
            namespaces=set(namespaces),
            existing=existing,
        )
        for event in events:
            await self._decide_on(batch, event)
        await self._save(batch)
        for namespace in sorted(batch.namespaces):
            await self._admit(batch, namespace)
        return batch

    async def _decide_on(self, batch: _Batch, event: SchedulerEvent) -> None:
        """Decide on one event, and on the answers to the lookups that the decision asks for."""
        run = await self._run(batch, event)
        if run is None:
            return
        decision = decide(run, event, batch.now, self._cluster)
        self._collect(batch, run, decision, event)
        asked = decision.lookups
        while asked:
            await self._save_cache(batch)  # the answer may be among these entries
            answers, unverified = await lookups.answer(
                batch.unit.connection,
                self._objects,
                run,
                asked,
                batch.existing,
                partial(decide, now=batch.now, cluster=self._cluster),
            )
            if unverified is not None:
                batch.unverified.append(unverified)
            asked = []
            for answer in answers:
                decision = decide(run, answer, batch.now, self._cluster)
                self._collect(batch, run, decision, answer)
                asked = [*asked, *decision.lookups]
        if isinstance(event, RunDeleted):
            await self._delete(batch, event.run_id)

    async def _run(self, batch: _Batch, event: SchedulerEvent) -> Run | None:
        """The run that the event is about; None if it was deleted.

        Raises:
            TooEarlyError: the run is not known yet.
        """
        known = batch.runs.get(event.run_id)
        if known is not None:
            return known.run
        if isinstance(event, RunSubmitted):
            if (error := batch.excluded.get(event.run_id)) is not None:
                await self._create_failed(batch, event, error)
                return None
            run = await self._store.create(batch.unit, event)
            batch.runs[event.run_id] = Locked(1, run)
            return run
        if isinstance(event, RunDeleted):
            await self._delete(batch, event.run_id)
            return None
        if isinstance(event, BusEvent):
            raise TooEarlyError(f"run {event.run_id} is not known yet")
        return None

    async def _create_failed(self, batch: _Batch, event: RunSubmitted, error: Exception) -> None:
        """Let a new run fail whose spec cannot be read."""
        message = f"the pipeline spec cannot be read: {error}. Submit the pipeline again."
        failure = Failure(code=FailureCode.INPUT_INVALID, message=message)
        header = await self._store.create_failed(batch.unit, event, failure)
        if header is not None:
            failed = RunFailed(run_id=event.run_id, revision=header.revision, failure=failure)
            batch.unit.publish(failed, derived_event_id(event.run_id, failed.type, header.revision))

    async def _delete(self, batch: _Batch, run_id: UUID) -> None:
        known = batch.runs.get(run_id)
        if known is not None and known.run is not None:
            batch.namespaces.add(known.run.submission.namespace)
        batch.changed.pop(run_id, None)
        batch.tasks = {key: entry for key, entry in batch.tasks.items() if entry[0] != run_id}
        batch.cache = [entry for entry in batch.cache if entry[0].run_id != run_id]
        launched = await self._store.delete(batch.unit, run_id)
        if run_id in batch.excluded:  # there was no decision that stops its attempts
            for task_id, attempt in launched:
                batch.unit.publish(
                    CancelAttempt(
                        cluster=self._cluster, run_id=run_id, task_id=task_id, attempt=attempt
                    )
                )
            batch.unit.publish(CleanRun(cluster=self._cluster, run_id=run_id))
        batch.runs[run_id] = Locked(0, None)

    def _collect(self, batch: _Batch, run: Run, decision: Decision, event: SchedulerEvent) -> None:
        """Add a decision to what the transaction writes and publishes."""
        queued = run.header.state is RunState.PENDING and isinstance(event, RunSubmitted)
        if queued or (run.header.state.final and not decision.empty):
            batch.namespaces.add(run.submission.namespace)
        if decision.empty:
            return
        batch.changed[run.run_id] = run
        batch.tasks.update((task.task_id, (run.run_id, task)) for task in decision.tasks)
        batch.cache += [(run, entry) for entry in decision.cache]
        _publish(batch.unit, run, decision, repeated=isinstance(event, TaskSilent))

    async def _save(self, batch: _Batch) -> None:
        await self._store.save(batch.unit, list(batch.changed.values()), list(batch.tasks.values()))
        await self._save_cache(batch)
        for run_id in batch.changed:
            batch.runs[run_id].version += 1
        batch.changed, batch.tasks = {}, {}

    async def _save_cache(self, batch: _Batch) -> None:
        entries, batch.cache = batch.cache, []
        await cache.save(batch.unit.connection, entries)

    async def _admit(self, batch: _Batch, namespace: str) -> None:
        """Start the queued runs of a namespace that its limits allow."""
        connection = batch.unit.connection
        queued = await store.queued(connection, namespace)
        waiting = [run for run in queued if run.run_id not in batch.excluded]
        if not waiting:
            return
        admitted = admit(await store.active(connection, namespace), waiting)
        batch.runs |= await self._store.lock(
            batch.unit, [run_id for run_id in admitted if run_id not in batch.runs]
        )
        for run_id in admitted:
            await self._decide_on(batch, RunAdmitted(run_id))
        await self._save(batch)


def _postponed(event: Event | SchedulerEvent, excluded: Excluded) -> Exception | None:
    """Why an event cannot be decided on now, if so. A run without a readable spec can still be
    deleted, and if it is new, it fails."""
    error = excluded.get(getattr(event, "run_id", None))  # type: ignore[arg-type]
    if isinstance(error, SpecUnreadableError) and isinstance(event, RunSubmitted | RunDeleted):
        return None
    return error


def _publish(unit: Unit, run: Run, decision: Decision, *, repeated: bool) -> None:
    """Stage the messages of a decision, with ids that are derived from it, so that a repeat of the
    same decision gives the same ids. A launch that is repeated on purpose needs a new id."""
    for message in (*decision.events, *decision.commands):
        identity = (
            None if repeated else derived_event_id(run.run_id, message.type, *_key(run, message))
        )
        unit.publish(message, identity)


def _key(run: Run, message: object) -> Iterable[object]:
    """What distinguishes a message from others of its type about the same run."""
    if isinstance(message, TasksPlanned):
        return (message.tasks[0].task_id,)
    if isinstance(message, CleanRun):
        return (run.header.revision,)
    if hasattr(message, "revision"):
        return (message.revision,)
    return (getattr(message, "task_id", None), getattr(message, "attempt", None))
