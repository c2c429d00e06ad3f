"""Operations on runs: which are allowed, and which events they publish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from headrace_api.runs import store
from headrace_api.runs.retention import Retention

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def test_each_operation_publishes_its_event(api: Api) -> None:
    run = (await api.submit())["run_id"]
    for operation in ("pause", "resume", "archive", "archive", "unarchive", "unarchive"):
        await api.ask("POST", f"/runs/{run}/{operation}")
    await api.ask("POST", f"/runs/{run}/cancel", {"reason": "r"})
    await api.ask("POST", f"/runs/{run}/cancel", {"reason": "r"})
    assert api.bus.types(run) == [
        "run.submitted",
        "run.pause_requested",
        "run.resume_requested",
        "run.archived",
        "run.unarchived",
        "run.cancel_requested",
        "run.cancel_requested",
    ]


async def test_only_failed_runs_are_retried_and_repeats_are_one_event(api: Api) -> None:
    run = (await api.submit())["run_id"]
    refused = await api.ask("POST", f"/runs/{run}/retry", expect=409)
    assert "has not ended" in refused["detail"]
    await api.fail(run, 2)
    await api.ask("POST", f"/runs/{run}/retry")
    await api.ask("POST", f"/runs/{run}/retry")
    assert api.bus.types(run).count("run.retry_requested") == 1
    await api.receive("run.retried", run, 3)
    await api.ask("POST", f"/runs/{run}/retry", expect=409)
    await api.fail(run, 4)
    await api.ask("POST", f"/runs/{run}/retry")
    assert api.bus.types(run).count("run.retry_requested") == 2


async def test_an_ended_run_cannot_be_paused_or_canceled(api: Api) -> None:
    run = (await api.submit())["run_id"]
    await api.fail(run, 1)
    for operation in ("pause", "resume", "cancel"):
        refused = await api.ask("POST", f"/runs/{run}/{operation}", expect=409)
        assert "has ended as FAILED" in refused["detail"]
    await api.receive("run.retried", run, 2)
    await api.receive("run.canceled", run, 3)
    await api.ask("POST", f"/runs/{run}/cancel")
    assert "run.cancel_requested" not in api.bus.types(run)


async def test_late_events_change_nothing(api: Api) -> None:
    run = (await api.submit())["run_id"]
    await api.receive("run.retried", run, 5)
    await api.fail(run, 4)
    await api.ask("POST", f"/runs/{run}/retry", expect=409)
    await api.fail(str(uuid4()), 1)  # a run that was deleted


async def test_a_deleted_run_is_not_found(api: Api) -> None:
    run = (await api.submit())["run_id"]
    await api.ask("DELETE", f"/runs/{run}")
    assert api.bus.types(run) == ["run.submitted", "run.deleted"]
    await api.ask("GET", f"/runs/{run}", expect=404)
    await api.ask("DELETE", f"/runs/{run}", expect=404)
    await api.ask("POST", f"/runs/{run}/archive", expect=404)


async def test_a_rerun_has_the_spec_and_the_parameters_of_the_earlier_run(api: Api) -> None:
    first = await api.submit(parameters={"day": "monday"}, display_name="first")
    rerun = {"run_id": first["run_id"], "tasks": ["root/a"]}
    await api.submit(rerun=rerun)
    await api.submit(rerun=rerun, parameters={"day": "friday"})
    one, same, other = api.bus.events(type="run.submitted")
    assert one["spec"] == same["spec"] == other["spec"]
    assert [same["parameters"], other["parameters"]] == [{"day": "monday"}, {"day": "friday"}]
    assert same["rerun"] == rerun
    assert same["experiment_id"] == one["experiment_id"]


@pytest.mark.parametrize(
    ("tasks", "status", "says"),
    [(["root/b"], 404, "no task 'root/b'"), (["a"], 404, "no task 'a'")],
)
async def test_a_rerun_of_an_unknown_task_is_rejected(
    api: Api, tasks: list[str], status: int, says: str
) -> None:
    run = (await api.submit())["run_id"]
    body = {"namespace": api.namespace, "rerun": {"run_id": run, "tasks": tasks}}
    assert says in (await api.ask("POST", "/runs", body, expect=status))["detail"]


async def test_a_rerun_of_an_unknown_run_or_with_a_second_source_is_rejected(api: Api) -> None:
    run = (await api.submit())["run_id"]
    elsewhere = {"namespace": "elsewhere", "rerun": {"run_id": run}}
    assert "to rerun" in (await api.ask("POST", "/runs", elsewhere, expect=404))["detail"]
    both = {"namespace": api.namespace, "rerun": {"run_id": run}, "pipeline": {"name": "p"}}
    assert "exactly one" in (await api.ask("POST", "/runs", both, expect=400))["detail"]


async def test_limits_and_execution_settings_are_part_of_the_run(api: Api) -> None:
    limits = f"/namespaces/{api.namespace}/limits"
    await api.ask("PUT", limits, {"max_active_runs": 2})
    await api.submit(priority=7, deadline_seconds=60, failure_strategy="CONTINUE", caching=False)
    await api.ask("PUT", limits, {"max_active_runs": None})
    await api.submit()
    first, second = api.bus.events(type="run.submitted")
    assert first["limits"] == {"namespace": 2}
    assert (first["priority"], first["deadline_seconds"]) == (7, 60)
    assert (first["failure_strategy"], first["caching"]) == ("CONTINUE", False)
    assert second["limits"] == {}
    await api.ask("PUT", limits, {"max_active_runs": 0}, expect=400)


async def test_retention_archives_and_then_deletes(api: Api) -> None:
    now = datetime.now(UTC)
    old, fresh, active = [(await api.submit())["run_id"] for _ in range(3)]
    api.database.at = now - timedelta(days=9)
    await api.fail(old, 1)
    api.database.at = None
    await api.fail(fresh, 1)
    week = timedelta(days=7)
    assert await Retention(api.database, None, None).sweep(now) == 0
    while await Retention(api.database, week, week).sweep(now):
        pass
    assert api.bus.types(old)[1:] == ["run.archived"]
    assert api.bus.types(fresh) == api.bus.types(active) == ["run.submitted"]
    while await Retention(api.database, None, week).sweep(now + timedelta(days=8)):
        pass
    assert api.bus.types(old)[1:] == ["run.archived", "run.deleted"]
    async with api.database.read() as connection:
        assert await store.run_by_id(connection, old, None) is None
