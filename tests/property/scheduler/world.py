"""Simulates everything around `decide` with a random generator: a bus that delivers late, twice and
out of order, a database that survives crashes, the cache, the executors, and the clock."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.messages.commands import CancelAttempt, LaunchAttempt
from headrace_contracts.messages.events import (
    AttemptFailed,
    AttemptSucceeded,
    Event,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunSucceeded,
)
from headrace_contracts.states import TaskKind, TaskState
from headrace_contracts.values import Outputs
from headrace_recorder.core.projection import fold
from headrace_recorder.core.rows import Rows
from headrace_scheduler.core.decide import SchedulerEvent, TaskSilent, TimerDue, decide
from headrace_scheduler.core.decision import Decision, LookupAnswered
from headrace_scheduler.core.plan import plan
from headrace_scheduler.core.run import Run, RunHeader, TaskRecord

from tests.property.scheduler.pipelines import ITEM, T, document, value_of
from tests.support.submissions import AT, submitted

END = (RunSucceeded, RunFailed, RunCanceled)
STARTED = (TaskState.READY, TaskState.RUNNING, TaskState.WAITING, TaskState.SUCCEEDED)


@dataclass
class World:
    """One run of `tasks`. `failures` is the number of attempts that fail first, by path."""

    tasks: tuple[T, ...]
    chance: random.Random
    failures: dict[str, int] = field(default_factory=dict)
    strategy: str = "CONTINUE"
    cancel_after: int | None = None
    lossy: bool = True

    def __post_init__(self) -> None:
        self.submission = submitted(failure_strategy=self.strategy)
        self.plan = plan(document(self.tasks))
        self.now = AT
        self.run = Run.fresh(self.submission, self.plan)
        self.header: RunHeader = self.run.header
        self.records: dict[UUID, TaskRecord] = {}
        self.bus: list[Any] = [self.submission]
        self.launched: Counter[tuple[UUID, int]] = Counter()
        self.results: dict[tuple[UUID, int], SchedulerEvent] = {}
        self.executed: Counter[str] = Counter()
        self.history: list[Event] = [self.submission]
        self.ends: list[Any] = []
        self.steps = 0
        self.late_answers: list[LookupAnswered] = []

    # -- events ------------------------------------------------------------------------------

    def play(self) -> None:
        """Run until the run has ended and no message is left."""
        while self.bus or not self.header.state.final:
            self.steps += 1
            assert self.steps < 20_000, "the run does not end"
            if self.steps == self.cancel_after:
                self.bus.append(RunCancelRequested(run_id=self.run.run_id))
            if self.bus:
                self.deliver(self.bus.pop(self.chance.randrange(len(self.bus))))
            else:
                self.time_passes()

    def deliver(self, message: Any) -> None:
        if self.lossy and self.chance.random() < 0.2:
            self.bus.append(message)  # delivered twice
        if isinstance(message, LaunchAttempt):
            self.execute(message)
        elif isinstance(message, CancelAttempt):
            self.stop(message)
        else:
            self.judge(message)

    def judge(self, event: SchedulerEvent) -> None:
        before = dict(self.records)
        decisions = self.decisions(event)
        answers, self.late_answers = self.late_answers, []
        if self.lossy and self.chance.random() < 0.05:
            self.crash()
            self.bus.append(event)  # not acknowledged, so redelivered
            return
        self.commit(decisions)
        self.bus += [answer for answer in answers if self.chance.random() > 0.05]
        self.check(before)
        if self.lossy and self.chance.random() < 0.05:
            self.crash()

    def decisions(self, event: SchedulerEvent) -> list[Decision]:
        """The decision, and those on the answers to its lookups, which never find anything. Some
        answers come in a later transaction."""
        made = [decide(self.run, event, self.now, "local")]
        for one in made:
            for asked in one.lookups:
                answer = LookupAnswered(self.run.run_id, asked.task_id, None, asked.fingerprint)
                if self.lossy and self.chance.random() < 0.3:
                    self.late_answers.append(answer)
                else:
                    made.append(decide(self.run, answer, self.now, "local"))
        return made

    def commit(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self.records |= {task.task_id: task for task in decision.tasks}
            self.header = self.run.header
            self.history += decision.events
            self.ends += [event for event in decision.events if isinstance(event, END)]
            for command in decision.commands:
                if isinstance(command, LaunchAttempt):
                    self.launched[command.task_id, command.attempt] += 1
                if not isinstance(command, LaunchAttempt | CancelAttempt):
                    continue
                if self.lossy and self.chance.random() < 0.05:
                    continue  # lost; the launch is repeated later
                self.bus.append(command)

    def crash(self) -> None:
        """Load the run from the database, as the store does."""
        kept = self.records.values() or Run.fresh_records(self.run.run_id)
        whole = self.plan.retries_dags
        by_id = self.records
        loaded = [
            record
            for record in kept
            if whole
            or record.parent_id is None
            or by_id[record.parent_id].state is not TaskState.SUCCEEDED
        ]
        self.run = Run(self.submission, self.plan, self.header, loaded)

    def time_passes(self) -> None:
        """No message is left: pauses end, and silent launches and lookups are repeated."""
        waiting = [r for r in self.records.values() if r.state is TaskState.WAITING]
        ready = [r for r in self.records.values() if r.state is TaskState.READY]
        asked = [r for r in self.records.values() if r.state is TaskState.PENDING and r.fingerprint]
        assert waiting or ready or asked, "nothing will ever happen again"
        for record in waiting:
            assert record.due_at is not None
            self.now = max(self.now, record.due_at)
            self.bus.append(TimerDue(self.run.run_id, record.task_id))
        self.now += timedelta(seconds=1)
        self.bus += [TaskSilent(self.run.run_id, record.task_id) for record in ready + asked]

    # -- the executors -----------------------------------------------------------------------

    def execute(self, command: LaunchAttempt) -> None:
        key = (command.task_id, command.attempt)
        if key not in self.results:
            self.executed[command.path] += 1
            self.results[key] = self.result(command)
        if self.lossy and self.chance.random() < 0.05:
            return  # the event is lost; a repeated launch sends it again
        self.bus.append(self.results[key])

    def result(self, command: LaunchAttempt) -> SchedulerEvent:
        if self.lossy and self.chance.random() < 0.1:
            stopped = self.chance.random() < 0.5
            return ended(command, FailureCode.ATTEMPT_LOST, retryable=True, stopped=stopped)
        if self.failures.get(command.path, 0) > command.retry_index:
            return ended(command, FailureCode.COMMAND_FAILED)
        item = command.inputs.parameters.get(ITEM)
        return AttemptSucceeded(
            run_id=command.run_id,
            task_id=command.task_id,
            attempt=command.attempt,
            outputs=Outputs(parameters={"value": value_of(command.path, item)}),
            started_at=AT,
            finished_at=AT,
        )

    def stop(self, command: CancelAttempt) -> None:
        key = (command.task_id, command.attempt)
        self.results.setdefault(key, ended(command, FailureCode.CANCELED))
        self.bus.append(self.results[key])

    # -- invariants ---------------------------------------------------------------------------

    def check(self, before: dict[UUID, TaskRecord]) -> None:
        for identity, old in before.items():
            new = self.records[identity]
            same = new.state is old.state
            assert not old.state.final or same or new.attempt > old.attempt, "an end is an end"
        for node in self.run.nodes.values():
            children = list(node.children.values())
            assert node.open == sum(not c.record.state.final for c in children)
            assert node.failed == sum(c.record.state is TaskState.FAILED for c in children)
            if node.kind is TaskKind.LOOP and node.plan.parallelism:
                running = [c for c in children if c.record.state is not TaskState.PENDING]
                busy = sum(not c.record.state.final for c in running)
                assert busy <= node.plan.parallelism
            if node.record.state in STARTED and not node.always:
                assert all(o.record.state is TaskState.SUCCEEDED for o in node.upstream())

    def states(self) -> dict[str, str]:
        return {r.path: r.state.value for r in self.records.values() if r.parent_id is not None}

    def shown(self) -> dict[str, str]:
        """The states that the recorder shows after it received the history in random order."""
        received = [(event, AT) for event in self.history]
        self.chance.shuffle(received)
        rows: Rows = ({}, {})
        fold(rows, received)
        return {row.plan["path"]: row.state.value for row in rows[1].values() if row.plan}


def ended(
    command: Any, code: FailureCode, *, retryable: bool = False, stopped: bool = False
) -> AttemptFailed:
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=Failure(code=code, message="simulated"),
        retryable=retryable,
        deployment_stopped=stopped,
        finished_at=AT,
    )
