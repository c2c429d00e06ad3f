"""Which steps of the earlier run a rerun reuses, and which run again."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest
from headrace_contracts.rerun import EarlierTask, reused_steps
from headrace_contracts.states import TaskKind, TaskState

STEP, DAG, LOOP = TaskKind.STEP, TaskKind.DAG, TaskKind.LOOP
OK, FAILED = TaskState.SUCCEEDED, TaskState.FAILED


def of(path: str) -> UUID:
    return uuid5(UUID(int=0), path)


def task(
    path: str,
    *after: str,
    kind: TaskKind = STEP,
    state: TaskState = OK,
    position: int = 0,
) -> EarlierTask:
    """A task at `path`, which depends on its siblings `after`."""
    parent = path.rpartition("/")[0]
    return EarlierTask(
        task_id=of(path),
        path=path,
        kind=kind,
        state=state,
        position=position,
        parent_id=of(parent) if parent else None,
        dependencies=tuple(of(f"{parent}/{name}") for name in after),
    )


def earlier(*, loop: TaskState = OK, second: TaskState = OK, end: TaskState = OK) -> list:
    """prepare -> loop of two iterations of (fit -> score) -> end, and aside beside them."""
    return [
        task("root", kind=DAG),
        task("root/prepare", position=0),
        task("root/aside", position=1),
        task("root/loop", "prepare", kind=LOOP, state=loop, position=2),
        task("root/loop/0", kind=DAG, position=0),
        task("root/loop/0/fit", position=0),
        task("root/loop/0/score", "fit", position=1),
        task("root/loop/1", kind=DAG, state=second, position=1),
        task("root/loop/1/fit", state=second, position=0),
        task("root/loop/1/score", "fit", state=second, position=1),
        task("root/end", "loop", state=end, position=3),
    ]


STEPS = {
    "root/prepare",
    "root/aside",
    "root/loop/0/fit",
    "root/loop/0/score",
    "root/loop/1/fit",
    "root/loop/1/score",
    "root/end",
}
AFTER_PREPARE = STEPS - {"root/aside"}


@pytest.mark.parametrize(
    ("chosen", "again"),
    [
        ([], set()),
        (["root/end"], {"root/end"}),
        (["root/aside"], {"root/aside"}),
        (["root/prepare"], AFTER_PREPARE),
        (["root/loop"], AFTER_PREPARE - {"root/prepare"}),
        (["root/loop/1"], {"root/loop/1/fit", "root/loop/1/score", "root/end"}),
        (["root/loop/0/score"], {"root/loop/0/score", "root/end"}),
        (["root/loop/0/fit"], {"root/loop/0/fit", "root/loop/0/score", "root/end"}),
        (["root/aside", "root/end"], {"root/aside", "root/end"}),
        (["root"], STEPS),
        (["root/unknown"], set()),
    ],
)
def test_chosen_tasks_and_those_that_depend_on_them_run_again(
    chosen: list[str], again: set[str]
) -> None:
    assert reused_steps(earlier(), chosen) == {of(path) for path in STEPS - again}


def test_failed_tasks_and_those_that_depend_on_them_run_again() -> None:
    tasks = earlier(loop=FAILED, second=FAILED, end=TaskState.SKIPPED)
    kept = {"root/prepare", "root/aside", "root/loop/0/fit", "root/loop/0/score"}
    assert reused_steps(tasks, []) == {of(path) for path in kept}


@pytest.mark.parametrize(
    "state", [s for s in TaskState if s not in (OK, TaskState.FAILED, TaskState.CANCELED)]
)
def test_only_steps_that_succeeded_are_reused(state: TaskState) -> None:
    tasks = [task("root", kind=DAG), task("root/a", state=state), task("root/b", "a", position=1)]
    assert reused_steps(tasks, []) == {of("root/b")}


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELED])
def test_a_task_that_depends_on_a_failed_one_is_not_reused(state: TaskState) -> None:
    """It ran although the other failed; the other's outputs will change."""
    tasks = [task("root", kind=DAG), task("root/a", state=state), task("root/b", "a", position=1)]
    assert reused_steps(tasks, []) == set()


def test_the_order_of_the_tasks_does_not_matter() -> None:
    for tasks in (earlier(), earlier()[::-1]):
        taken = reused_steps(tasks, ["root/loop/0/fit"])
        assert of("root/end") not in taken
        assert of("root/prepare") in taken


def test_a_task_without_a_known_parent_is_at_the_root() -> None:
    tasks = [task("elsewhere/a"), task("elsewhere/b", "a", position=1)]
    assert reused_steps(tasks, []) == {of("elsewhere/a"), of("elsewhere/b")}
    assert reused_steps(tasks, ["elsewhere/a"]) == set()
