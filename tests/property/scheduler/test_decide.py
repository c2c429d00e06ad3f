"""The scheduler's core with reordered, duplicated, delayed and lost events, and crashes, compared
with a reference interpreter."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.messages.events import RunFailed, RunRetryRequested
from headrace_contracts.states import RunState, TaskState
from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.end import MAX_LOST
from headrace_scheduler.core.run import Node, Run
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.scheduler.pipelines import T, interpret, trees
from tests.property.scheduler.world import World

DIAGRAM = Path(__file__).parents[3] / "docs" / "architecture" / "scheduler.md"
EDGES = set(re.findall(r"^ +(\w+) --> (\w+):", DIAGRAM.read_text(), re.MULTILINE))
chances = st.builds(random.Random, st.integers(0, 2**32))
SHOWN = {"OK": "SUCCEEDED", "UNREACHED": "SKIPPED"}


@pytest.fixture(autouse=True, scope="module")
def _only_documented_changes() -> Iterator[None]:
    """Check that the diagram in the documentation has every change of a task's state."""
    put = Draft.put

    def watched(draft: Draft, node: Node, **changes: Any) -> None:
        before = node.record.state
        put(draft, node, **changes)
        after = node.record.state
        assert before is after or (before, after) in EDGES or node.parent is None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft, "put", watched)
        yield


def drawn_failures(tasks: tuple[T, ...], chance: random.Random) -> dict[str, int]:
    """The number of attempts that fail first, for some of the steps."""
    paths = interpret(tasks, lambda *_: False).values
    return {path: chance.choice([1, 2, 9]) for path in sorted(paths) if chance.random() < 0.25}


def unlucky(world: World) -> bool:
    """Whether the platform lost so many attempts of a step that it failed."""
    return any(record.lost >= MAX_LOST for record in world.records.values())


@settings(max_examples=150, deadline=None)
@given(trees(), chances)
def test_every_pipeline_ends_as_in_the_reference_interpreter(
    tasks: tuple[T, ...], chance: random.Random
) -> None:
    failures = drawn_failures(tasks, chance)
    world = World(tasks, chance, failures)
    world.play()
    if unlucky(world):
        return
    expected = interpret(tasks, lambda path, t: failures.get(path, 0) > t.retries)
    assert world.states() == {p: SHOWN.get(s, s) for p, s in expected.states.items()}
    made = {
        r.path: r.outputs.parameters["value"]
        for r in world.records.values()
        if r.path in expected.values
    }
    assert made == expected.values
    failed = "FAILED" in expected.states.values()
    assert world.header.state is (RunState.FAILED if failed else RunState.SUCCEEDED)
    assert len(world.ends) == 1
    if not failed:
        first = world.ends[0].outputs.parameters
        assert first.keys() <= {t.name for t in tasks}
    assert max(world.launched.values(), default=0) <= 1 + world.steps, "each attempt is one launch"
    assert world.shown() == world.states()


@settings(max_examples=100, deadline=None)
@given(trees(), chances)
def test_fail_fast_runs_end(tasks: tuple[T, ...], chance: random.Random) -> None:
    failures = drawn_failures(tasks, chance)
    world = World(tasks, chance, failures, strategy="FAIL_FAST")
    world.play()
    failed = [r for r in world.records.values() if r.state is TaskState.FAILED]
    assert world.header.state is (RunState.FAILED if failed else RunState.SUCCEEDED)
    assert len(world.ends) == 1
    assert all(record.state.final for record in world.records.values())
    reference = interpret(tasks, lambda *_: False).values
    for record in world.records.values():
        if record.state is TaskState.SUCCEEDED and record.path in reference:
            assert record.outputs.parameters["value"] == reference[record.path]
    assert world.shown() == world.states()


@settings(max_examples=100, deadline=None)
@given(trees(), st.integers(1, 40), chances)
def test_a_canceled_run_ends_and_its_exit_tasks_have_run(
    tasks: tuple[T, ...], after: int, chance: random.Random
) -> None:
    world = World(tasks, chance, cancel_after=after)
    world.play()
    assert world.header.state in (RunState.CANCELED, RunState.SUCCEEDED, RunState.FAILED)
    assert len(world.ends) == 1
    assert all(record.state.final for record in world.records.values())
    by_path = {record.path: record for record in world.records.values()}
    for path, task in exit_tasks(tasks, "root"):
        record = by_path.get(path)
        if record is None or task.condition is False or task.unless_item is not None:
            continue
        reached = [by_path[f"{path.rpartition('/')[0]}/{name}"] for name in task.upstream]
        if any(not other.unreached for other in reached):
            assert record.state in (TaskState.SUCCEEDED, TaskState.FAILED)
    assert world.shown() == world.states()


def exit_tasks(tasks: tuple[T, ...], path: str) -> list[tuple[str, T]]:
    """The exit tasks that are not inside a loop or another exit task, with their paths."""
    found = []
    for task in tasks:
        if task.exit_task:
            found.append((f"{path}/{task.name}", task))
        elif task.inside and task.items is None:
            found += exit_tasks(task.inside, f"{path}/{task.name}")
    return found


@settings(max_examples=100, deadline=None)
@given(trees(), chances)
def test_a_retried_run_keeps_successful_tasks_and_succeeds(
    tasks: tuple[T, ...], chance: random.Random
) -> None:
    failures = drawn_failures(tasks, chance)
    world = World(tasks, chance, failures, strategy=chance.choice(["FAIL_FAST", "CONTINUE"]))
    world.play()
    if not any(isinstance(end, RunFailed) for end in world.ends):
        return
    world.failures = {}
    succeeded = {r.path for r in world.records.values() if r.state is TaskState.SUCCEEDED}
    ran_before = dict(world.executed)
    again = retried(world)
    again.play()
    if unlucky(again):
        return
    expected = interpret(tasks, lambda *_: False)
    assert again.header.state is RunState.SUCCEEDED
    shown = {p: SHOWN.get(s, s) for p, s in expected.states.items()}
    assert again.states() == shown
    assert again.shown() == shown
    for path in succeeded & expected.values.keys():
        if not follows_a_failure(tasks):
            assert again.executed[path] == ran_before[path], "what succeeded is not run again"


def retried(world: World) -> World:
    """The same world after a retry was requested: the run is loaded with all its tasks."""
    world.run = Run(world.submission, world.plan, world.header, world.records.values())
    request = RunRetryRequested(run_id=world.run.run_id)
    world.commit(world.decisions(request))
    world.steps = 0
    return world


def follows_a_failure(tasks: tuple[T, ...]) -> bool:
    """Whether a task runs after a failure, and so runs again in a retry."""
    return any(t.always or follows_a_failure(t.inside) for t in tasks)


@settings(max_examples=100, deadline=None)
@given(trees(retried_dags=True), chances)
def test_runs_with_retried_dags_end(tasks: tuple[T, ...], chance: random.Random) -> None:
    failures = drawn_failures(tasks, chance)
    world = World(tasks, chance, failures, strategy=chance.choice(["FAIL_FAST", "CONTINUE"]))
    world.play()
    assert len(world.ends) == 1
    assert all(record.state.final for record in world.records.values())
    for record in world.records.values():
        retried = world.run.nodes.get(record.task_id)
        assert retried is None or record.retries <= retried.plan.retries.count
    assert world.shown() == world.states()


@settings(max_examples=50, deadline=None)
@given(trees(), chances)
def test_duplicate_events_change_nothing(tasks: tuple[T, ...], chance: random.Random) -> None:
    world = World(tasks, chance, drawn_failures(tasks, chance), lossy=False)
    world.play()
    old: list[Any] = [world.submission, *world.results.values()]
    for event in old:
        assert all(decision.empty for decision in world.decisions(event))
