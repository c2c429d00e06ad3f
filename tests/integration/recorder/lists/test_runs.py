"""Lists of runs: filters, sorting, pages while runs are added, metrics, totals."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from headrace_contracts.access import Access
from headrace_contracts.messages import events as e
from headrace_contracts.values import Outputs

from tests.integration.recorder.conftest import measured, of, started
from tests.support.submissions import AT

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder


def predicates(*given: tuple[str, str, Any]) -> str:
    """A filter of (key, operation, value)."""
    return json.dumps(
        {
            "predicates": [
                {
                    "key": key,
                    "operation": operation,
                    ("string_values" if isinstance(value, list) else "string_value"): (
                        {"values": value} if isinstance(value, list) else value
                    ),
                }
                for key, operation, value in given
            ]
        }
    )


def names(runs: list[dict[str, Any]]) -> list[str]:
    return [run["display_name"] for run in runs]


async def listed(recorder: Recorder, **params: Any) -> list[str]:
    return names(await recorder.walk("/runs", "runs", page_size=2, **params))


@pytest.fixture
async def five(recorder: Recorder) -> dict[str, UUID]:
    """Runs in each of some states, oldest first."""
    pipeline, recurring = e.PipelineIdentity(name="nightly", pipeline_id=uuid4()), uuid4()
    runs = {
        "alpha train": await recorder.submit(display_name="alpha train", description="first"),
        "beta": await recorder.submit(display_name="beta", pipeline=pipeline),
        "gamma 100%": await recorder.submit(display_name="gamma 100%", recurring_run_id=recurring),
        "delta train": await recorder.submit(
            display_name="delta train", scheduled_at=AT - timedelta(days=1)
        ),
        "epsilon": await recorder.submit(display_name="epsilon", experiment_id=uuid4()),
    }
    done = {"revision": 2, "outputs": Outputs()}
    for name in ("beta", "delta train"):
        await recorder.record(started(runs[name]), measured(runs[name]))
        await recorder.record(e.RunSucceeded(run_id=runs[name], **done))
    await recorder.record(started(runs["gamma 100%"]), e.RunArchived(run_id=runs["gamma 100%"]))
    return runs


NEWEST_FIRST = ["epsilon", "delta train", "gamma 100%", "beta", "alpha train"]


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        ("", NEWEST_FIRST),
        ("created_at", NEWEST_FIRST[::-1]),
        ("display_name", sorted(NEWEST_FIRST)),
        ("display_name desc", sorted(NEWEST_FIRST, reverse=True)),
        ("run_id", NEWEST_FIRST[::-1]),
    ],
)
async def test_orders(
    recorder: Recorder, five: dict[str, UUID], sort_by: str, expected: list[str]
) -> None:
    assert await listed(recorder, sort_by=sort_by) == expected


async def test_missing_times_are_sorted_as_1970(recorder: Recorder, five: dict[str, UUID]) -> None:
    assert (await listed(recorder, sort_by="finished_at desc"))[:2] == ["delta train", "beta"]
    assert (await listed(recorder, sort_by="scheduled_at"))[0] == "delta train"
    for key in ("state", "archived", "experiment_id", "description", "pipeline_name"):
        assert sorted(await listed(recorder, sort_by=key)) == sorted(five)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("display_name", "IS_SUBSTRING", "TRAIN")], ["delta train", "alpha train"]),
        ([("display_name", "IS_SUBSTRING", "0%")], ["gamma 100%"]),
        ([("display_name", "IS_SUBSTRING", "a_t")], []),
        ([("display_name", "EQUALS", "beta")], ["beta"]),
        ([("description", "EQUALS", "first")], ["alpha train"]),
        ([("state", "EQUALS", "SUCCEEDED")], ["delta train", "beta"]),
        ([("state", "IN", ["SUCCEEDED", "RUNNING"])], ["delta train", "gamma 100%", "beta"]),
        ([("archived", "EQUALS", "true")], ["gamma 100%"]),
        ([("archived", "NOT_EQUALS", "true"), ("state", "EQUALS", "PENDING")],
         ["epsilon", "alpha train"]),
        ([("pipeline_name", "EQUALS", "nightly")], ["beta"]),
        ([("run_id", "EQUALS", "no id")], []),
        ([("state", "EQUALS", "SUCCEEDED"), ("display_name", "IS_SUBSTRING", "lta")],
         ["delta train"]),
    ],
)  # fmt: skip
async def test_filters(
    recorder: Recorder, five: dict[str, UUID], given: Any, expected: list[str]
) -> None:
    page = await recorder.get("/runs", filter=predicates(*given))
    assert names(page["runs"]) == expected
    assert page["total_size"] == len(expected)


async def test_shortcuts_and_totals(recorder: Recorder, five: dict[str, UUID]) -> None:
    for given, expected in (
        ({"state": "RUNNING"}, 1),
        ({"archived": "false"}, 4),
        ({"experiment_id": str(UUID(int=1))}, 4),
        ({"recurring_run_id": str(uuid4())}, 0),
    ):
        page = await recorder.get("/runs", page_size=1, **given)
        assert (page["total_size"], len(page["runs"])) == (expected, min(expected, 1))


@pytest.mark.parametrize(
    "given",
    [
        {"filter": "{}{"},
        {"filter": predicates(("submission", "EQUALS", "x"))},
        {"filter": predicates(("metric:x", "EQUALS", "x"))},
        {"sort_by": "submission"},
        {"sort_by": "created_at; DROP TABLE run"},
        {"sort_by": "metric:\0"},
        {"page_token": "AAAA"},
        {"page_size": -1},
        {"page_size": "x"},
        {"state": "DONE"},
    ],
)
async def test_invalid_requests_are_rejected(recorder: Recorder, given: dict[str, Any]) -> None:
    refused = await recorder.get("/runs", expect=400, **given)
    assert refused["field"] == next(iter(given))


async def test_a_token_belongs_to_its_list(recorder: Recorder, five: dict[str, UUID]) -> None:
    first = await recorder.get("/runs", page_size=1)
    token = first["next_page_token"]
    for other in ({"state": "PENDING"}, {"sort_by": "run_id"}, {"filter": predicates(
        ("state", "EQUALS", "PENDING"))}):  # fmt: skip
        refused = await recorder.get("/runs", page_token=token, expect=400, **other)
        assert refused["field"] == "page_token"
    await recorder.get("/runs", page_token=token[:-2] + "AA", expect=400)
    elsewhere = Access({"another": "viewer"})  # type: ignore[dict-item]
    await recorder.get("/runs", page_token=token, access=elsewhere, expect=400)


@pytest.mark.parametrize("sort_by", ["created_at desc", "created_at asc", "display_name", "run_id"])
async def test_pages_are_complete_and_without_duplicates_while_runs_are_added(
    recorder: Recorder, sort_by: str
) -> None:
    there = {str(await recorder.submit(display_name=f"run {n % 3}")) for n in range(9)}
    seen: list[str] = []
    token = None
    for turn in range(20):
        page = await recorder.get("/runs", sort_by=sort_by, page_size=2, page_token=token)
        seen += [run["run_id"] for run in page["runs"]]
        assert page["total_size"] == 9, "the first page counted"
        await recorder.submit(display_name=f"added {turn}")
        await recorder.submit(display_name="run 1", submitted_at=AT - timedelta(days=turn))
        token = page.get("next_page_token")
        if token is None or there <= set(seen):
            break
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


async def test_sorted_by_a_metric_the_runs_without_it_come_last(recorder: Recorder) -> None:
    values = {"a": 0.5, "b": None, "c": -1, "d": 0.5, "f": None, "g": 7, "h": None}
    ids = {}
    for name, value in values.items():
        ids[name] = await recorder.submit(display_name=name)
        if value is not None:
            await recorder.record(started(ids[name]), measured(ids[name], accuracy=value, loss=1))
    rest = ["h", "f", "b"]
    for size in range(1, 9):
        down = names(
            await recorder.walk("/runs", "runs", sort_by="metric:accuracy desc", page_size=size)
        )
        assert down == ["g", "d", "a", "c", *rest], size
        up = names(
            await recorder.walk("/runs", "runs", sort_by="metric:accuracy asc", page_size=size)
        )
        assert up == ["c", "a", "d", "g", *rest], size
    assert await listed(recorder, sort_by="metric:none") == names(
        await recorder.walk("/runs", "runs")
    )
    some = predicates(("display_name", "IN", ["a", "b", "h"]))
    assert await listed(recorder, sort_by="metric:accuracy", filter=some) == ["a", "h", "b"]


async def test_metrics_are_in_lists_and_on_the_run(recorder: Recorder) -> None:
    run = await recorder.submit()
    other = await recorder.submit()
    await recorder.record(started(run), measured(run, accuracy=0.5, name="text", flag=True))
    shown = {one["run_id"]: one for one in (await recorder.get("/runs"))["runs"]}
    assert shown[str(run)]["metrics"] == {"accuracy": 0.5}
    assert shown[str(other)]["metrics"] == {}
    assert (await recorder.get(f"/runs/{run}"))["metrics"] == {"accuracy": 0.5}


async def test_the_metric_of_the_task_that_finished_last_counts(recorder: Recorder) -> None:
    run = await recorder.submit()
    await recorder.record(started(run, "root/a", "root/b"))
    late, early = AT + timedelta(hours=2), AT + timedelta(hours=1)
    await recorder.record(measured(run, "root/a", x=2, y=1), at=late)
    await recorder.record(measured(run, "root/b", x=1, z=3), at=early)
    assert (await recorder.get(f"/runs/{run}"))["metrics"] == {"x": 2, "y": 1, "z": 3}
    same = [measured(run, "root/a", w=2), measured(run, "root/b", w=1)]
    await recorder.record(*same, at=late)
    higher = max((of(run, "root/a"), 2), (of(run, "root/b"), 1))[1]
    assert (await recorder.get(f"/runs/{run}"))["metrics"]["w"] == higher


async def test_metric_names_that_are_too_long_are_omitted(recorder: Recorder) -> None:
    run = await recorder.submit()
    await recorder.record(started(run), measured(run, **{"x" * 300: 1, "ok": 1}))
    assert (await recorder.get(f"/runs/{run}"))["metrics"] == {"ok": 1}
