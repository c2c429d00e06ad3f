"""Recurring runs on a real Postgres. The tests set the clock."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import pytest
from headrace_api.recurring.ticker import Ticker
from headrace_api.runs.rules.macros import ScheduledSlot
from headrace_api.runs.submissions import Prepared, Submissions
from headrace_contracts.messages.commands import SubmitRun

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 48 * HOUR


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    trigger = {"interval_seconds": 3600, "start_at": START.isoformat()}
    definition = {"display_name": "job", "namespace": api.namespace, "trigger": trigger, **fields}
    if "pipeline" not in fields:
        definition["pipeline_spec"] = pipeline()
    return dict(await api.ask("POST", "/recurring-runs", definition))


async def tick(api: Api, at: datetime, times: int = 1) -> None:
    api.database.at = at
    for _ in range(times):
        await Ticker(api.database, api.submissions, api.space, 1.0).tick()
    api.database.at = None


def submitted(api: Api, made: dict[str, Any]) -> list[dict[str, Any]]:
    return api.bus.events(type="run.submitted", recurring_run_id=made["recurring_run_id"])


async def shown(api: Api, made: dict[str, Any]) -> dict[str, Any]:
    return dict(await api.ask("GET", f"/recurring-runs/{made['recurring_run_id']}"))


async def test_missed_slots_are_submitted_with_their_macros(api: Api) -> None:
    day = "[[ScheduledTime.2006-01-02T15:04]] [[Index]]"
    made = await create(api, parameters={"day": day}, max_concurrency=10, priority=5)
    await tick(api, START + 2 * HOUR, times=5)
    runs = submitted(api, made)
    assert [run["parameters"]["day"] for run in runs] == [
        f"{START + n * HOUR:%Y-%m-%dT%H:%M} {n + 1}" for n in range(3)
    ]
    assert [datetime.fromisoformat(run["scheduled_at"]) for run in runs] == [
        START + n * HOUR for n in range(3)
    ]
    assert {run["priority"] for run in runs} == {5}
    found = await shown(api, made)
    assert (found["fired"], found["last_run_id"]) == (3, runs[-1]["run_id"])
    assert datetime.fromisoformat(found["next_at"]) == START + 3 * HOUR


async def test_a_slot_waits_while_enough_runs_are_active(api: Api) -> None:
    made = await create(api, max_concurrency=1)
    await tick(api, START + 9 * HOUR, times=3)
    (first,) = submitted(api, made)
    await api.fail(first["run_id"], 1)
    await tick(api, START + 9 * HOUR, times=3)
    assert len(submitted(api, made)) == 2


async def test_without_catch_up_only_the_latest_slot_counts(api: Api) -> None:
    made = await create(api, catch_up=False, max_concurrency=10)
    await tick(api, START + 9.5 * HOUR, times=3)
    (run,) = submitted(api, made)
    assert datetime.fromisoformat(run["scheduled_at"]) == START + 9 * HOUR


async def test_replicas_take_a_slot_once(api: Api) -> None:
    made = await create(api, max_concurrency=10)
    await asyncio.gather(*(tick(api, START) for _ in range(4)))
    assert len(submitted(api, made)) == 1
    assert (await shown(api, made))["fired"] == 1


async def test_a_slot_that_another_replica_took_meanwhile_is_left(api: Api) -> None:
    made = await create(api, max_concurrency=10)

    class Slow(Submissions):
        async def prepare(self, request: SubmitRun, slot: ScheduledSlot | None = None) -> Prepared:
            await tick(api, START)
            return await super().prepare(request, slot)

    slow = Slow(api.database, api.submissions._objects, api.space)
    api.database.at = START
    await Ticker(api.database, slow, api.space, 1.0).tick()
    api.database.at = None
    assert len(submitted(api, made)) == 1
    assert (await shown(api, made))["fired"] == 1


async def test_slots_that_passed_while_disabled_do_not_count(api: Api) -> None:
    made = await create(api, max_concurrency=10)
    path = f"/recurring-runs/{made['recurring_run_id']}"
    assert (await api.ask("POST", f"{path}/disable")).get("next_at") is None
    await tick(api, datetime.now(UTC))
    enabled = await api.ask("POST", f"{path}/enable")
    assert datetime.fromisoformat(enabled["next_at"]) > datetime.now(UTC)
    await tick(api, datetime.now(UTC))
    assert submitted(api, made) == []


async def test_without_a_version_each_slot_takes_the_newest(api: Api) -> None:
    path = f"/pipelines?name=p&namespace={api.namespace}"
    stored = await api.ask("POST", path, pipeline())
    made = await create(api, pipeline={"pipeline_id": stored["pipeline_id"]}, max_concurrency=9)
    await tick(api, START)
    await api.ask("POST", f"/pipelines/{stored['pipeline_id']}/versions?name=v2", pipeline())
    await api.ask("PATCH", f"/pipelines/{stored['pipeline_id']}", {"max_active_runs": 4})
    await tick(api, START + HOUR)
    first, second = submitted(api, made)
    assert first["pipeline"]["pipeline_id"] == second["pipeline"]["pipeline_id"]
    versions = [run["pipeline"]["pipeline_version_id"] for run in (first, second)]
    assert versions == sorted(set(versions))
    assert [first["limits"], second["limits"]] == [{}, {"pipeline": 4}]


async def test_a_rejected_slot_is_reported_and_stops_nothing(api: Api) -> None:
    path = f"/pipelines?name=p&namespace={api.namespace}"
    stored = await api.ask("POST", path, pipeline())
    broken = await create(api, pipeline={"name": "p"}, parameters={"day": "x"})
    sound = await create(api)
    newer = pipeline()
    del newer["root"]["inputDefinitions"]
    await api.ask("POST", f"/pipelines/{stored['pipeline_id']}/versions?name=v2", newer)
    await tick(api, START)
    assert submitted(api, broken) == []
    assert len(submitted(api, sound)) == 1
    error = (await shown(api, broken))["last_error"]
    assert error["rejection"]["code"] == "INVALID_PARAMETER"
    assert datetime.fromisoformat(error["scheduled_at"]) == START
    await api.ask("POST", f"/pipelines/{stored['pipeline_id']}/versions?name=v3", pipeline())
    await tick(api, START + HOUR)
    assert (await shown(api, broken)).get("last_error") is None


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("trigger", {"cron": "* * * * *", "time_zone": "Gone/Zone"}, "unknown time zone"),
        ("max_concurrency", 99, None),
    ],
)
async def test_an_invalid_row_does_not_stop_other_recurring_runs(
    api: Api, field: str, value: Any, says: str | None
) -> None:
    broken, sound = await create(api), await create(api)
    spoil = (
        "UPDATE recurring_run SET definition = jsonb_set(definition, $2::text[], $3)"
        " WHERE recurring_run_id = $1"
    )
    identity = UUID(broken["recurring_run_id"])
    async with api.database.read() as connection:
        await connection.execute(spoil, identity, [field], value)
    await tick(api, START)
    assert len(submitted(api, sound)) == 1
    assert submitted(api, broken) == []
    if says is not None:
        assert says in (await shown(api, broken))["last_error"]["rejection"]["message"]
    async with api.database.read() as connection:
        await connection.execute("DELETE FROM recurring_run WHERE recurring_run_id = $1", identity)


async def test_a_recurring_run_is_changed_in_place(api: Api) -> None:
    made = await create(api)
    path = f"/recurring-runs/{made['recurring_run_id']}"
    trigger = {"cron": "0 9 * * *", "time_zone": "Asia/Tokyo"}
    changed = await api.ask("PATCH", path, {"trigger": trigger, "max_concurrency": 4})
    assert changed["created_at"] == made["created_at"]
    assert (changed["max_concurrency"], changed["display_name"]) == (4, "job")
    following = datetime.fromisoformat(changed["next_at"])
    assert following > datetime.now(UTC)
    assert following.astimezone(UTC).hour == 0
    moments = (await api.ask("GET", f"{path}/next?count=2"))["moments"]
    assert [datetime.fromisoformat(m) for m in moments] == [following, following + 24 * HOUR]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trigger": {"cron": "99 * * * *"}}, "bad minute"),
        ({"trigger": {}}, "exactly one of cron"),
        (
            {"trigger": {"cron": "* * * * *", "start_at": "0001-01-01T00:00:00+14:00"}},
            "between the years",
        ),
        ({"description": "\0"}, "contains a NUL character"),
        ({"max_concurrency": 11}, "max_concurrency"),
        ({"colour": "red"}, "colour"),
        ({"namespace": "other"}, "cannot be changed"),
        ({"parameters": {"nights": 3}}, "nights"),
        ({"pipeline": {"name": "nobody"}}, "no pipeline 'nobody'"),
    ],
)
async def test_a_rejected_change_changes_nothing(
    api: Api, changes: dict[str, Any], says: str
) -> None:
    made = await create(api)
    path = f"/recurring-runs/{made['recurring_run_id']}"
    refused = await api.http.patch(path, json=changes)
    assert refused.status_code in (400, 404)
    assert says in refused.json()["detail"]
    assert await shown(api, made) == made


async def test_list_and_delete(api: Api) -> None:
    made = [await create(api) for _ in range(3)]
    first = await api.ask("GET", f"/recurring-runs?namespace={api.namespace}&page_size=2")
    assert [r["recurring_run_id"] for r in first["recurring_runs"]] == [
        made[2]["recurring_run_id"],
        made[1]["recurring_run_id"],
    ]
    assert first["total_size"] == 3
    path = f"/recurring-runs/{made[0]['recurring_run_id']}"
    await api.ask("DELETE", path)
    await api.ask("DELETE", path, expect=404)
    await tick(api, START)
    assert submitted(api, made[0]) == []


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
async def test_a_replica_whose_clock_is_wrong_submits_what_is_due_by_the_databases_clock(
    api: Api, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(time.time() + hours * 3600, tz)

    for name, module in list(sys.modules.items()):
        if name.startswith("headrace_") and hasattr(module, "datetime"):
            monkeypatch.setattr(module, "datetime", WrongClock)
    minute = {"cron": "* * * * *", "start_at": (datetime.now(UTC) - HOUR / 12).isoformat()}
    made = await create(api, trigger=minute, max_concurrency=10)
    path = f"/recurring-runs/{made['recurring_run_id']}"
    other = await create(api, trigger={"cron": "* * * * *"}, max_concurrency=10)
    assert datetime.fromisoformat(other["next_at"]) - datetime.now(UTC) <= timedelta(minutes=1)
    ticker = Ticker(api.database, api.submissions, api.space, 1.0)
    while await ticker.tick():
        pass
    assert 4 <= len(submitted(api, made)) <= 6
    assert len(submitted(api, other)) <= 1
    (following,) = (await api.ask("GET", f"{path}/next?count=1"))["moments"]
    assert datetime.fromisoformat(following) - datetime.now(UTC) <= timedelta(minutes=1)
    for one in (made, other):
        await api.ask("DELETE", f"/recurring-runs/{one['recurring_run_id']}")
