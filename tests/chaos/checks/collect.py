"""Collects an observation from a deployment at rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from random import Random
from typing import Any

from tests.chaos.checks import inside
from tests.chaos.checks.observation import Execution, Observation
from tests.chaos.journal import ENDED
from tests.chaos.testbed import Testbed
from tests.chaos.workload.recurring import RecurringRuns

_PARALLEL = 8
_LOGS = 60
"""The logs of so many tasks are read."""


async def list_runs(bed: Testbed, since: float) -> list[dict[str, Any]]:
    """All runs that were created after this time, newest first, as the gateway lists them."""
    found: list[dict[str, Any]] = []
    token = None
    while True:
        query = {"sort_by": "created_at desc", "page_size": 200}
        if token:
            query["page_token"] = token
        page = await bed.get("/api/v1/runs", params=query)
        for run in page["runs"]:
            if datetime.fromisoformat(run["created_at"]).timestamp() < since - 60:
                return found
            found.append(run)
        token = page["next_page_token"]
        if token is None:
            return found


async def collect(bed: Testbed, seen: Observation, since: float, recurring: RecurringRuns) -> None:
    """Fill in everything that does not change any more when all runs have ended."""
    names = {one.name for one in seen.submissions()}
    listed = await list_runs(bed, since)
    for run in listed:
        if run["display_name"] in names:
            seen.by_name.setdefault(run["display_name"], []).append(run["run_id"])
    wanted = [run_id for ids in seen.by_name.values() for run_id in ids]
    await _each(wanted, lambda run_id: _read_run(bed, seen, run_id))
    await _each(
        [one for one in seen.journal.streams if one in seen.runs],
        lambda run_id: _read_events(bed, seen, run_id),
    )
    await _each(_some_tasks(seen), lambda pair: _read_log(bed, seen, *pair))
    for run_id in wanted:
        seen.executions[run_id] = read_executions(bed, run_id)
    await _read_kfp(bed, seen, since)
    await inside.read_states(bed, seen)
    await recurring.collect()
    seen.recurring = recurring.made
    disabled = {one.recurring_run_id for one in recurring.made if one.disabled is not None}
    seen.open_recurring = [
        run["run_id"]
        for run in listed
        if run["recurring_run_id"] in disabled and run["state"] not in ENDED
    ]


def read_executions(bed: Testbed, run_id: str) -> list[Execution]:
    """What the steps of a run recorded, in the order of their starts."""
    path = bed.effects / "runs" / run_id
    if not path.exists():
        return []
    found: dict[str, Execution] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "start":
            found[event["nonce"]] = Execution(
                *(event[key] for key in ("run", "task", "attempt", "nonce", "step", "launch")),
                event["pid"],
                event["launcher"],
                event["at"],
            )
        elif event["event"] == "overlap":
            found[event["nonce"]].overlaps.append(event["other"])
        else:
            execution = found[event["nonce"]]
            execution.ended, execution.how = event["at"], event["how"]
            execution.saw = event["saw"]
    return list(found.values())


async def _read_run(bed: Testbed, seen: Observation, run_id: str) -> None:
    run = await bed.get(f"/api/v1/runs/{run_id}")
    if run is not None:
        seen.runs[run_id] = run


async def _read_events(bed: Testbed, seen: Observation, run_id: str) -> None:
    events: list[tuple[int, str, str, float]] = []
    while True:
        after = events[-1][0] if events else 0
        path = f"/api/v1/runs/{run_id}/events"
        page = await bed.get(path, params={"after": after, "limit": 500})
        if page is None or not page["events"]:
            break
        for event in page["events"]:
            at = datetime.fromisoformat(event["time"]).timestamp()
            events.append((event["seq"], event["event_id"], event["type"], at))
    seen.events[run_id] = events


def _some_tasks(seen: Observation) -> list[tuple[str, str]]:
    """Tasks that say that they have a log; of some kinds all, of the others a sample."""
    found = [
        (run_id, task["task_id"], run["display_name"])
        for run_id, run in sorted(seen.runs.items())
        if run["state"] in ENDED
        for task in run["tasks"] or ()
        if task.get("has_log")
    ]
    odd = [(run, task) for run, task, name in found if name.split()[0] in ("destructive", "chatty")]
    others = [(run, task) for run, task, _ in found]
    return odd + Random(seen.round).sample(others, min(_LOGS, len(others)))


async def _read_log(bed: Testbed, seen: Observation, run_id: str, task_id: str) -> None:
    path = f"/api/v1/runs/{run_id}/tasks/{task_id}/log"
    response = await bed.request("GET", path)
    if response is None or response.status_code == 503:
        return
    if response.status_code != 404 or (await bed.get(f"/api/v1/runs/{run_id}")) is not None:
        went_with_its_run = "that run was deleted" in response.text
        seen.logs[run_id, task_id] = 200 if went_with_its_run else response.status_code


async def _read_kfp(bed: Testbed, seen: Observation, since: float) -> None:
    states = seen.states.setdefault("kfp", {})
    token = ""
    while True:
        query = {"sort_by": "created_at desc", "page_size": "200"}
        if token:
            query["page_token"] = token
        page = await bed.get("/apis/v2beta1/runs", params=query)
        oldest = since
        for run in page.get("runs", ()):
            states[run["run_id"]] = run["state"]
            oldest = datetime.fromisoformat(run["created_at"]).timestamp()
        token = page.get("next_page_token", "")
        if not token or oldest < since - 60:
            return


async def _each(items: Iterable[Any], work: Callable[[Any], Awaitable[None]]) -> None:
    """Do the same for each item, some at a time."""
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(item: Any) -> None:
        async with gate:
            await work(item)

    await asyncio.gather(*(one(item) for item in items))
