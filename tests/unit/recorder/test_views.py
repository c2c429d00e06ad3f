"""What is given out: the order of tasks, a rerun's preview, and why the cache was not taken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_recorder.core.cache import closest, differences
from headrace_recorder.core.projection import Rows, TaskRow, fold, show, with_open_tasks
from headrace_recorder.views import cache_view, in_order, preview, run_view, task_view
from headrace_runtime.errors import RejectedError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.recorder.histories import HIT, RUN, at, history, of, planned


def row(path: str, position: int = 0, *after: str, **fields: Any) -> TaskRow:
    plan = planned(path, *after, position=position, **fields.pop("plan", {})).model_dump(
        mode="json"
    )
    return TaskRow(of(path), RUN, plan=plan, created_at=at(10), **fields)


TREE = [
    row("root/a", 0),
    row("root/loop", 1, plan={"kind": TaskKind.LOOP}),
    row("root/loop/0", 0, plan={"kind": TaskKind.DAG}),
    row("root/loop/0/x", 0),
    row("root/loop/0/y", 1),
    row("root/loop/1", 1, plan={"kind": TaskKind.DAG}),
    row("root/loop/1/x", 0),
    row("root/b", 2),
]


@given(st.permutations(TREE))
def test_tasks_are_in_the_order_of_the_graph(tasks: list[TaskRow]) -> None:
    assert in_order([task_view(task) for task in tasks]) == [task_view(task) for task in TREE]


def test_a_change_inside_what_did_not_change_is_shown() -> None:
    (changed,) = in_order([task_view(TREE[3])])
    assert changed.path == "root/loop/0/x"


def test_the_view_of_a_run() -> None:
    rows: Rows = ({}, {})
    fold(rows, history())
    show(rows[0].values(), with_open_tasks(rows[1].values()))
    view = run_view(
        rows[0][RUN], 9, in_order([task_view(task) for task in rows[1].values()]), {"x": 1}
    )
    assert (view.state, view.version, view.error) == (RunState.SUCCEEDED, 9, None)
    assert (view.created_at, view.started_at, view.finished_at) == (at(0), at(1), at(29))
    assert [task.path for task in view.tasks or ()] == [
        "root/prepare", "root/train", "root/report", "root/report/print",
    ]  # fmt: skip
    assert run_view(rows[0][RUN], 9, None, {}).tasks is None


def test_a_run_that_goes_on_has_not_finished() -> None:
    rows: Rows = ({}, {})
    fold(rows, history()[:19])
    show(rows[0].values(), with_open_tasks(rows[1].values()))
    view = run_view(rows[0][RUN], 1, None, {})
    assert (view.state, view.finished_at) == (RunState.RUNNING, None)


def test_a_task_that_will_run_again_has_not_finished() -> None:
    waiting = row("root/a", state=TaskState.WAITING, finished_at=at(5))
    assert task_view(waiting).finished_at is None
    assert not task_view(waiting).has_log
    ended = row("root/a", state=TaskState.FAILED, finished_at=at(5), log="logs/a")
    assert task_view(ended).finished_at == at(5)
    assert task_view(ended).has_log


def test_a_preview_names_what_is_taken_and_what_runs() -> None:
    tasks = [task_view(row(path, state=TaskState.SUCCEEDED)) for path in ("root/a", "root/b")]
    tasks += [task_view(row("root/c", 2, "b"))]
    found = preview(tasks, ["root/b"])
    assert [one["path"] for one in found["reuse"]] == ["root/a"]
    assert [one["path"] for one in found["run"]] == ["root/b", "root/c"]
    assert found["reuse"][0] == {
        "task_id": str(of("root/a")), "path": "root/a", "display_name": "a",
    }  # fmt: skip


def test_a_preview_from_a_task_that_is_not_there_is_refused() -> None:
    with pytest.raises(RejectedError) as caught:
        preview([task_view(row("root/a"))], ["root/a", "root/nope"])
    assert caught.value.rejection.code == RejectionCode.NOT_FOUND
    assert caught.value.rejection.message == "the run has no task 'root/nope'"


@pytest.mark.parametrize(
    ("parts", "earlier", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [{"part": "a", "was": 2, "is": 1}]),
        ({"a": 1}, {}, [{"part": "a", "is": 1}]),
        ({}, {"a": None}, [{"part": "a", "was": None}]),
        ({"a": None}, {}, [{"part": "a", "is": None}]),
        (
            {"b": [1], "a": {"x": 1}},
            {"b": [2], "a": {"x": 2}},
            [{"part": "a", "was": {"x": 2}, "is": {"x": 1}}, {"part": "b", "was": [2], "is": [1]}],
        ),
    ],
)
def test_differences(parts: Any, earlier: Any, expected: Any) -> None:
    assert differences(parts, earlier) == expected


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([], None),
        ([{}], 0),
        ([{"a": 1}, {"a": 1, "b": 2}], 1),
        ([{"a": 1, "b": 3}, {"a": 9, "b": 2}], 0),
        ([{}, {"a": 1, "b": 2, "c": 3}], 1),
    ],
)
def test_the_closest_execution_differs_in_the_fewest_parts(earlier: Any, expected: Any) -> None:
    assert closest({"a": 1, "b": 2}, earlier) == expected


def executed(second: float, number: int, **parts: Any) -> dict[str, Any]:
    return {
        "run_id": UUID(int=number),
        "task_id": UUID(int=number + 100),
        "created_at": at(second),
        "fingerprint": {"digest": "x", "parts": parts},
    }


MISSED = row("root/a", fingerprint={"digest": "d", "parts": {"seed": 1, "image": "x"}})


def test_a_task_without_a_fingerprint_does_not_use_the_cache() -> None:
    view = cache_view(row("root/a"), [executed(1, 1, seed=1)])
    assert (view["hit"], view["used"]) == (False, False)
    assert "does not use the cache" in view["reason"]


def test_a_hit_names_its_origin() -> None:
    found = row(
        "root/a",
        origin=HIT.model_dump(mode="json"),
        fingerprint={"digest": "d", "parts": {"seed": 1}},
    )
    view = cache_view(found, [])
    assert (view["hit"], view["origin"]["run_id"]) == (True, str(HIT.run_id))
    rerun = row("root/a", origin={**HIT.model_dump(mode="json"), "kind": "rerun"})
    assert cache_view(rerun, [])["hit"] is False


@pytest.mark.parametrize(
    ("earlier", "reason", "differs"),
    [
        ([], "no earlier execution of this component is known", None),
        ([executed(11, 1, seed=1, image="x")], "no earlier execution of this component", None),
        ([executed(1, 1, seed=1, image="x")], "has not succeeded, or its outputs are gone", []),
        (
            [executed(2, 2, seed=2, image="y"), executed(1, 1, seed=2, image="x")],
            "differs from the closest earlier execution in: seed",
            [{"part": "seed", "was": 2, "is": 1}],
        ),
    ],
)
def test_a_miss_says_what_differs(earlier: Any, reason: str, differs: Any) -> None:
    view = cache_view(MISSED, earlier)
    assert reason in view["reason"]
    assert view.get("differs") == differs
    assert (view["fingerprint"], view["hit"], view["used"]) == ("d", False, True)
    if differs is not None:
        assert view["closest"] == {"run_id": str(UUID(int=1)), "task_id": str(UUID(int=101))}
