"""The scheduler's core under reordered, repeated and lost news, against a reference interpreter."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from headrace_contracts.commands import CancelAttempt, LaunchAttempt
from headrace_contracts.events import (
    AttemptFailed,
    AttemptSucceeded,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunSucceeded,
)
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Outputs
from headrace_scheduler.core.decide import MAX_LOST, News, decide
from headrace_scheduler.core.plan import plan
from headrace_scheduler.core.run import Run
from hypothesis import given
from hypothesis import strategies as st

from tests.support.graphs import shell_document
from tests.support.submissions import AT, submitted

END = {RunSucceeded: "SUCCEEDED", RunFailed: "FAILED", RunCanceled: "CANCELED"}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Random acyclic graphs: each task takes from some of the tasks before it."""
    count = draw(st.integers(1, 8))
    names = [f"t{i}" for i in range(count)]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[:i]))) if i else set())
        for i, name in enumerate(names)
    }


chances = st.builds(random.Random, st.integers(0, 2**32))


def interpret(graph: dict[str, list[str]]) -> dict[str, str]:
    """What each task gives when all goes well: its name and what it was given, in ten lines."""
    values: dict[str, str] = {}
    while len(values) < len(graph):
        for task, upstream in graph.items():
            if task not in values and all(other in values for other in upstream):
                values[task] = value_of(task, [values[other] for other in upstream])
    return values


def value_of(task: str, given: list[str]) -> str:
    return f"{task}({','.join(sorted(given))})"


@dataclass
class World:
    """The bus and the executors, played by a random generator."""

    graph: dict[str, list[str]]
    chance: random.Random
    failing: set[str] = field(default_factory=set)
    cancel_after: int | None = None

    def __post_init__(self) -> None:
        outputs = list(self.graph)
        self.run = Run.fresh(submitted(), plan(shell_document(self.graph, outputs=outputs)))
        self.in_flight: list[News] = [submitted()]
        self.launches: list[LaunchAttempt] = []
        self.ends: list[Any] = []
        self.steps = 0

    def play(self) -> None:
        while self.in_flight:
            self.steps += 1
            news = self.in_flight.pop(self.chance.randrange(len(self.in_flight)))
            if self.chance.random() < 0.3:
                self.in_flight.append(news)  # delivered twice
            self.deliver(news)
            if self.steps == self.cancel_after:
                self.in_flight.append(RunCancelRequested(run_id=self.run.submission.run_id))
            assert self.steps < 10_000

    def deliver(self, news: News) -> None:
        before = {name: task.state for name, task in self.run.tasks.items()}
        decision = decide(self.run, news, "local")
        again = decide(self.run, news, "local")
        assert decision == again, "deciding reads, and does not write"
        self.run.apply(decision)
        self.check(before)
        self.ends += [event for event in decision.events if type(event) in END]
        for command in decision.commands:
            if isinstance(command, LaunchAttempt):
                self.launches.append(command)
                self.in_flight.append(self.execute(command))
            elif isinstance(command, CancelAttempt):
                self.in_flight.append(ended(command, FailureCode.CANCELED))

    def execute(self, command: LaunchAttempt) -> News:
        if self.chance.random() < 0.1:
            return ended(command, FailureCode.ATTEMPT_LOST, retryable=True)
        if command.task_name in self.failing:
            return ended(command, FailureCode.COMMAND_FAILED)
        given = [str(value) for value in command.inputs.parameters.values()]
        return AttemptSucceeded(
            run_id=command.run_id,
            task_id=command.task_id,
            attempt=command.attempt,
            outputs=Outputs(parameters={"value": value_of(command.task_name, given)}),
            started_at=AT,
            finished_at=AT,
        )

    def check(self, before: dict[str, TaskState]) -> None:
        tasks = self.run.tasks
        assert self.run.open == sum(not task.state.final for task in tasks.values())
        for name, task in tasks.items():
            if before[name].final:
                assert task.state is before[name], "a final state is final"
            if task.attempt:
                upstream = (tasks[other].state for other in self.graph[name])
                assert all(state is TaskState.SUCCEEDED for state in upstream)


def ended(command: Any, code: FailureCode, *, retryable: bool = False) -> AttemptFailed:
    return AttemptFailed(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        failure=Failure(code=code, message="as the test wants it"),
        retryable=retryable,
        finished_at=AT,
    )


@given(graphs(), chances)
def test_every_graph_ends_as_the_reference_interpreter_says(
    graph: dict[str, list[str]], chance: random.Random
) -> None:
    world = World(graph, chance)
    world.play()
    unlucky = [task for task in world.run.tasks.values() if task.lost > MAX_LOST - 1]
    assert len(world.ends) == 1
    if world.run.header.state is RunState.SUCCEEDED:
        assert world.ends[0].outputs.parameters == interpret(graph)
        # Each attempt was asked for once, whatever was delivered twice.
        keys = [(launch.task_id, launch.attempt) for launch in world.launches]
        assert len(keys) == len(set(keys))
    else:
        assert unlucky, "nothing but bad luck can fail this run"


@given(graphs(), st.data(), chances)
def test_a_failure_ends_the_run_and_starts_nothing_behind_it(
    graph: dict[str, list[str]], data: st.DataObject, chance: random.Random
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(graph)), min_size=1))
    world = World(graph, chance, failing=failing)
    world.play()
    assert world.run.header.state is RunState.FAILED
    assert [END[type(end)] for end in world.ends] == ["FAILED"]
    states = {name: task.state for name, task in world.run.tasks.items()}
    assert world.ends[0].failure.task_name in {n for n, s in states.items() if s == "FAILED"}
    assert set(states.values()) <= {TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED}


@given(graphs(), st.integers(1, 12), chances)
def test_a_canceled_run_ends(
    graph: dict[str, list[str]], after: int, chance: random.Random
) -> None:
    world = World(graph, chance, cancel_after=after)
    world.play()
    assert world.run.header.state.final
    assert len(world.ends) == 1
    assert world.run.open == 0
