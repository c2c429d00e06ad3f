"""While there is too little free space, new work is refused and everything else goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from headrace_api.recurring.ticker import Ticker
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.commands import SubmitRun
from headrace_runtime.bus.consumer import Received

from tests.integration.api.conftest import Api, pipeline

HOUR = timedelta(hours=1)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR


def recurring(api: Api) -> dict[str, Any]:
    trigger = {"interval_seconds": 3600, "start_at": START.isoformat()}
    return {
        "display_name": "job",
        "namespace": api.namespace,
        "trigger": trigger,
        "pipeline_spec": pipeline(),
        "max_concurrency": 10,
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/runs", {"pipeline_spec": pipeline()}),
        ("POST", "/runs", {"rerun": {"run_id": "{run}"}}),
        ("POST", "/runs/{run}/retry", None),
        ("POST", "/pipelines?name=q&namespace={namespace}", pipeline()),
        ("POST", "/pipelines?name=q&namespace={namespace}&empty=true", None),
        ("POST", "/pipelines/{pipeline}/versions?name=v2", pipeline()),
        ("POST", "/experiments", {"display_name": "x"}),
        ("POST", "/recurring-runs", "recurring"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_new_work_is_refused_in_words(api: Api, method: str, path: str, body: Any) -> None:
    run = (await api.submit())["run_id"]
    await api.fail(run, 1)
    stored = await api.ask("POST", f"/pipelines?name=p&namespace={api.namespace}", pipeline())
    names = {"run": run, "pipeline": stored["pipeline_id"], "namespace": api.namespace}
    path = path.format(**names)
    if body == "recurring":
        body = recurring(api)
    elif body is not None and "rerun" in body:
        body = {"namespace": api.namespace, "rerun": {"run_id": run}}
    elif body is not None and "/pipelines" not in path:
        body = {"namespace": api.namespace, **body}
    sent = len(api.bus.messages)
    api.space.run_out()
    problem = await api.ask(method, path, body, expect=507)
    assert problem["code"] == "INSUFFICIENT_STORAGE"
    for part in ("/data", "1.0 MiB are free", "256.0 MiB are needed"):
        assert part in problem["detail"]
    assert len(api.bus.messages) == sent
    api.space.found = None
    await api.ask(method, path, body)


async def test_reads_changes_and_repeated_submissions_go_on(api: Api) -> None:
    run = (await api.submit(idempotency_key="k"))["run_id"]
    job = await api.ask("POST", "/recurring-runs", recurring(api))
    api.space.run_out()
    assert (await api.submit(idempotency_key="k"))["run_id"] == run
    await api.ask("GET", f"/runs/{run}")
    for operation in ("pause", "resume", "cancel", "archive", "unarchive"):
        await api.ask("POST", f"/runs/{run}/{operation}")
    await api.ask("POST", f"/recurring-runs/{job['recurring_run_id']}/disable")
    await api.ask("DELETE", f"/recurring-runs/{job['recurring_run_id']}")
    await api.ask("DELETE", f"/runs/{run}")


async def test_slots_stay_due_until_there_is_space(api: Api) -> None:
    job = await api.ask("POST", "/recurring-runs", recurring(api))
    api.space.run_out()
    ticker = Ticker(api.database, api.submissions, api.space, 1.0)
    for _ in range(3):
        await ticker.tick()
    found = await api.ask("GET", f"/recurring-runs/{job['recurring_run_id']}")
    assert (found["fired"], found["last_error"]) == (0, None)
    api.space.found = None
    while await ticker.tick():
        pass
    runs = api.bus.events(type="run.submitted", recurring_run_id=job["recurring_run_id"])
    assert [datetime.fromisoformat(run["scheduled_at"]) for run in runs] == [
        START + n * HOUR for n in range(len(runs))
    ]
    assert len(runs) >= 6
    await api.ask("DELETE", f"/recurring-runs/{job['recurring_run_id']}")


async def test_a_message_is_rejected_once_and_a_new_one_is_accepted(api: Api) -> None:
    identity = str(uuid4())
    request = SubmitRun(namespace=api.namespace, pipeline_spec=pipeline())
    attributes = Attributes(identity, "/test", "run.submit", None)

    async def deliver(position: str) -> None:
        await api.handlers.submit_runs([Received(attributes, request, position)])

    api.space.run_out()
    await deliver(f"{identity}-1")
    (rejected,) = api.bus.events(type="submission.rejected", request_id=identity)
    assert rejected["rejection"]["code"] == "INSUFFICIENT_STORAGE"
    api.space.found = None
    await deliver(f"{identity}-1")  # its acknowledgement was lost
    assert len(api.bus.events(request_id=identity)) == 1
    await deliver(f"{identity}-2")  # the program has published it again
    assert len(api.bus.events(type="submission.accepted", request_id=identity)) == 1
