"""Runs of small specs through `decide`, with simulated executors and cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ir.parse import parse_document
from headrace_contracts.messages.commands import AttemptCommand, LaunchAttempt
from headrace_contracts.messages.events import AttemptFailed, AttemptSucceeded
from headrace_contracts.states import TaskState
from headrace_contracts.values import Outputs
from headrace_scheduler.core.decide import SchedulerEvent, TimerDue, decide
from headrace_scheduler.core.decision import EarlierOutputs, LookupAnswered
from headrace_scheduler.core.plan import plan
from headrace_scheduler.core.run import Run, TaskRecord

from tests.support.submissions import AT, submitted

STRING = {"parameterType": "STRING"}
Spec = dict[str, Any]


def spec(
    tasks: Spec,
    components: Spec,
    inputs: Spec | None = None,
    outputs: Spec | None = None,
    platform: Spec | None = None,
) -> list[Spec]:
    """A pipeline's documents. A component without a DAG is a step of the executor ``exec``."""
    root: Spec = {"dag": {"tasks": tasks}}
    if inputs:
        root["inputDefinitions"] = {"parameters": inputs}
    if outputs:
        root["dag"]["outputs"] = outputs
    documents: list[Spec] = [
        {
            "pipelineInfo": {"name": "graph"},
            "schemaVersion": "2.1.0",
            "root": root,
            "components": components,
            "deploymentSpec": {"executors": {"exec": {"container": {"command": ["true"]}}}},
        }
    ]
    return documents if platform is None else [*documents, platform]


def task(component_name: str, bound: Spec | None = None, *, after: Any = (), **more: Any) -> Spec:
    """A task of a DAG."""
    inputs = {"inputs": {"parameters": bound}} if bound else {}
    return {
        "componentRef": {"name": component_name},
        "dependentTasks": list(after),
        **inputs,
        **more,
    }


def component(inputs: Spec | None = None, outputs: Spec | None = None, dag: Any = None) -> Spec:
    """A step's component, or one with a DAG."""
    made: Spec = {"executorLabel": "exec"} if dag is None else {"dag": dag}
    if inputs:
        made["inputDefinitions"] = {"parameters": inputs}
    if outputs:
        made["outputDefinitions"] = {"parameters": outputs}
    return made


def constant(value: Any) -> Spec:
    """An input's source."""
    return {"runtimeValue": {"constant": value}}


@dataclass
class Played:
    """A run, its commands and its events."""

    run: Run
    outputs: Mapping[str, Mapping[str, Any]]
    failing: Mapping[str, int]
    cached: Mapping[str, EarlierOutputs]
    now: datetime = AT
    launches: dict[str, LaunchAttempt] = field(default_factory=dict)
    commands: list[AttemptCommand] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    records: dict[str, TaskRecord] = field(default_factory=dict)
    running: list[LaunchAttempt] = field(default_factory=list)
    late: bool = False
    """Whether lookups are only answered by `answer`."""
    unanswered: list[LookupAnswered] = field(default_factory=list)

    def take(self, event: SchedulerEvent) -> None:
        """Decide on an event, and collect the results."""
        decision = decide(self.run, event, self.now, "local")
        self.events += decision.events
        self.commands += decision.commands
        self.records |= {record.path: record for record in decision.tasks}
        for command in decision.commands:
            if isinstance(command, LaunchAttempt):
                self.launches[command.path] = command
                self.running.append(command)
        for asked in decision.lookups:
            found = self.cached.get(asked.path)
            answer = LookupAnswered(self.run.run_id, asked.task_id, found, asked.fingerprint)
            if self.late:
                self.unanswered.append(answer)
            else:
                self.take(answer)

    def answer(self) -> None:
        """Deliver the answers of lookups so far."""
        answers, self.unanswered = self.unanswered, []
        for one in answers:
            self.take(one)

    def finish(self, *only: str) -> None:
        """Let running steps end (all, or those at these paths), and those that start then."""
        while ready := [c for c in self.running if not only or c.path in only]:
            self.running.remove(ready[0])
            self.take(self.end_of(ready[0]))

    def end_of(self, command: LaunchAttempt) -> AttemptSucceeded | AttemptFailed:
        """How an attempt ends."""
        identity = {
            "run_id": command.run_id,
            "task_id": command.task_id,
            "attempt": command.attempt,
            "finished_at": self.now,
        }
        if self.failing.get(command.path, 0) > command.retry_index:
            failure = Failure(code=FailureCode.COMMAND_FAILED, message="oh no")
            return AttemptFailed(**identity, failure=failure)
        made = Outputs(parameters=dict(self.outputs.get(command.path, {})))
        return AttemptSucceeded(**identity, outputs=made, started_at=self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, and deliver the timers that are due."""
        self.now += timedelta(seconds=seconds)
        for record in list(self.records.values()):
            if record.due_at is not None and record.state is TaskState.WAITING:
                self.take(TimerDue(self.run.run_id, record.task_id))
        self.take(TimerDue(self.run.run_id, None))

    def record(self, path: str) -> TaskRecord:
        """The latest record of a task."""
        return self.records[path]

    def states(self) -> dict[str, str]:
        """The state of every task but the root."""
        return {path: r.state.value for path, r in self.records.items() if r.parent_id is not None}

    def published(self, kind: str) -> list[Any]:
        """The events of a type."""
        return [event for event in self.events if event.type == kind]


def start(
    documents: list[Spec],
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    failing: Mapping[str, int] | None = None,
    cached: Mapping[str, EarlierOutputs] | None = None,
    *,
    late: bool = False,
    **submission: Any,
) -> Played:
    """A run after its submission. By path: `outputs` are those of steps, `failing` is the number
    of attempts that fail first, `cached` are outputs in the cache; with `late`, lookups are only
    answered by `answer`."""
    request = submitted(**submission)
    run = Run.fresh(request, plan(parse_document(documents)))
    played = Played(run, outputs or {}, failing or {}, cached or {}, late=late)
    played.take(request)
    return played


def play(documents: list[Spec], *arguments: Any, **submission: Any) -> Played:
    """A run after all its steps have ended."""
    played = start(documents, *arguments, **submission)
    played.finish()
    return played
