"""Runs and tasks as resources, and the order of tasks."""

from __future__ import annotations

from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_recorder.core.projection import fold, runs_with_open_tasks, set_shown_states
from headrace_recorder.core.rows import Rows, TaskRow
from headrace_recorder.runs.views import in_graph_order, run_view, task_view
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.recorder.histories import RUN, at, history, task_row

TREE = [
    task_row("root/a", 0),
    task_row("root/loop", 1, plan={"kind": TaskKind.LOOP}),
    task_row("root/loop/0", 0, plan={"kind": TaskKind.DAG}),
    task_row("root/loop/0/x", 0),
    task_row("root/loop/0/y", 1),
    task_row("root/loop/1", 1, plan={"kind": TaskKind.DAG}),
    task_row("root/loop/1/x", 0),
    task_row("root/b", 2),
]


@given(st.permutations(TREE))
def test_tasks_are_in_graph_order(tasks: list[TaskRow]) -> None:
    assert in_graph_order([task_view(task) for task in tasks]) == [task_view(task) for task in TREE]


def test_a_task_whose_parent_is_not_included_is_kept() -> None:
    (changed,) = in_graph_order([task_view(TREE[3])])
    assert changed.path == "root/loop/0/x"


def test_a_run_as_a_resource() -> None:
    rows: Rows = ({}, {})
    fold(rows, history())
    set_shown_states(rows[0].values(), runs_with_open_tasks(rows[1].values()))
    view = run_view(
        rows[0][RUN], 9, in_graph_order([task_view(task) for task in rows[1].values()]), {"x": 1}
    )
    assert (view.state, view.version, view.error) == (RunState.SUCCEEDED, 9, None)
    assert (view.created_at, view.started_at, view.finished_at) == (at(0), at(1), at(29))
    assert [task.path for task in view.tasks or ()] == [
        "root/prepare", "root/train", "root/report", "root/report/print",
    ]  # fmt: skip
    assert run_view(rows[0][RUN], 9, None, {}).tasks is None


def test_a_running_run_has_no_finish_time() -> None:
    rows: Rows = ({}, {})
    fold(rows, history()[:19])
    set_shown_states(rows[0].values(), runs_with_open_tasks(rows[1].values()))
    view = run_view(rows[0][RUN], 1, None, {})
    assert (view.state, view.finished_at) == (RunState.RUNNING, None)


def test_a_task_that_waits_for_a_retry_has_no_finish_time() -> None:
    waiting = task_row("root/a", state=TaskState.WAITING, finished_at=at(5))
    assert task_view(waiting).finished_at is None
    assert not task_view(waiting).has_log
    ended = task_row("root/a", state=TaskState.FAILED, finished_at=at(5), log="logs/a")
    assert task_view(ended).finished_at == at(5)
    assert task_view(ended).has_log


def test_a_step_that_reused_outputs_has_a_log_but_a_graph_or_import_has_none() -> None:
    origin = {"kind": "cache", "run_id": str(RUN), "task_id": str(RUN)}
    has_log = {
        kind: task_view(
            task_row("root/a", state=TaskState.SUCCEEDED, origin=origin, plan={"kind": kind})
        ).has_log
        for kind in (TaskKind.STEP, TaskKind.DAG, TaskKind.IMPORT)
    }
    assert has_log == {TaskKind.STEP: True, TaskKind.DAG: False, TaskKind.IMPORT: False}
