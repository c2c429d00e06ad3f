"""How the own API reads requests: what it does not know it refuses, and names the field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.unit.ui_gateway.rest.fake_services import FakeServices, client_over

ID = "01920f39-1b2c-7d55-8e0a-3c4d5e6f7a80"
EXPERIMENT = {
    "experiment_id": ID,
    "namespace": "default",
    "display_name": "churn",
    "created_at": "2026-11-24T09:30:00Z",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def fake() -> FakeServices:
    return FakeServices()


@pytest.fixture
async def client(fake: FakeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with client_over(fake) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code", "field"),
    [
        ("GET", "/runs?page_sise=1", {}, 400, "MALFORMED", "page_sise"),
        ("GET", "/runs?page_size=x", {}, 400, "MALFORMED", "page_size"),
        ("GET", "/runs?page_size=201", {}, 400, "MALFORMED", "page_size"),
        ("GET", "/runs?state=DONE", {}, 400, "MALFORMED", "state"),
        ("GET", "/runs?filter=%00", {}, 400, "MALFORMED", "filter"),
        ("GET", "/artifacts?type=a&filter={", {}, 400, "MALFORMED", "filter"),
        ("GET", "/runs/7", {}, 400, "MALFORMED", "run_id"),
        ("GET", f"/runs/{ID}/events?after=-1", {}, 400, "MALFORMED", "after"),
        ("GET", f"/runs/{ID}/events?limit=1001", {}, 400, "MALFORMED", "limit"),
        ("PUT", "/runs", {}, 405, "METHOD_NOT_ALLOWED", None),
        ("POST", "/runs", {"content": b"{}"}, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type"),
        ("POST", "/runs", {"data": {"a": "b"}}, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type"),
        ("POST", "/runs", {"content": b"{", "headers": JSON}, 400, "MALFORMED", None),
        ("POST", "/runs", {"content": b"[]", "headers": JSON}, 400, "MALFORMED", None),
        ("POST", "/runs", {"content": b"[" * 9999, "headers": JSON}, 400, "MALFORMED", None),
        ("POST", "/runs", {"content": b"\xff", "headers": JSON}, 400, "MALFORMED", None),
        ("POST", "/runs", {"json": {"priority": "1"}}, 400, "MALFORMED", "priority"),
        ("POST", "/runs", {"json": {"colour": "red"}}, 400, "MALFORMED", "colour"),
        (
            "POST",
            "/runs",
            {"json": {"pipeline": {"pipeline_id": "x"}}},
            400,
            "MALFORMED",
            "pipeline.pipeline_id",
        ),
        ("POST", "/runs", {"json": {"parameters": {"a": "\0"}}}, 400, "MALFORMED", "parameters.a"),
        (
            "POST",
            "/runs",
            {"content": b'{"parameters": {"a": NaN}}', "headers": JSON},
            400,
            "MALFORMED",
            "parameters.a",
        ),
        (
            "POST",
            "/runs",
            {"json": {}, "headers": {"Idempotency-Key": "k" * 256}},
            400,
            "MALFORMED",
            "Idempotency-Key",
        ),
        ("POST", "/experiments", {"json": {}}, 400, "MALFORMED", "display_name"),
        ("PATCH", f"/pipelines/{ID}", {"json": {"name": "x"}}, 400, "MALFORMED", "name"),
        (
            "PATCH",
            f"/pipelines/{ID}",
            {"json": {"max_active_runs": 0}},
            400,
            "MALFORMED",
            "max_active_runs",
        ),
        (
            "PATCH",
            f"/recurring-runs/{ID}",
            {"json": {"trigger": {"cron": 5}}},
            400,
            "MALFORMED",
            "trigger.cron",
        ),
        ("PUT", "/namespaces/default/limits", {"json": {}}, 400, "MALFORMED", "max_active_runs"),
        ("POST", "/pipelines", {"content": b"a: b"}, 400, "MALFORMED", "name"),
        ("POST", "/pipelines", {"files": {"x": b"a"}}, 400, "MALFORMED", "uploadfile"),
        (
            "POST",
            "/pipelines",
            {"data": {"a": "b"}},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type",
        ),
        (
            "POST",
            "/pipelines?name=x",
            {"content": b"x" * (1024 * 1024 + 1)},
            413,
            "TOO_LARGE",
            None,
        ),
        (
            "POST",
            "/pipelines",
            {"files": {"uploadfile": ("x.yaml", b"x" * (1024 * 1024 + 1))}},
            413,
            "TOO_LARGE",
            None,
        ),
        (
            "POST",
            "/pipelines?name=x",
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            400,
            "MALFORMED",
            None,
        ),
        ("GET", f"/runs/{ID}/events/live", {"headers": {"Last-Event-ID": "x"}}, 400, "MALFORMED",
         "Last-Event-ID"),
        ("GET", "/nothing", {}, 404, "NOT_FOUND", None),
    ],
)  # fmt: skip
async def test_an_error_is_a_problem_that_names_the_field(
    client: httpx.AsyncClient,
    fake: FakeServices,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    code: str,
    field: str | None,
) -> None:
    response = await client.request(method, path, **options)
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["code"], body.get("field")) == (status, code, field), body
    assert body["status"] == status
    assert not fake.requests


async def test_an_id_that_is_no_uuid_is_quoted_in_the_error(client: httpx.AsyncClient) -> None:
    detail = (await client.get("/runs/7")).json()["detail"]
    assert detail == "run_id: expected a UUID, got '7'"


async def test_a_405_lists_the_allowed_methods(client: httpx.AsyncClient) -> None:
    response = await client.put("/runs")
    assert response.headers["allow"] == "GET, POST"
    assert (await client.post(f"/pipelines/{ID}")).headers["allow"] == "DELETE, GET, PATCH"


async def test_an_unmodified_resource_is_a_304(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    fake.answer("GET", f"/experiments/{ID}", EXPERIMENT)
    first = await client.get(f"/experiments/{ID}")
    assert first.json()["display_name"] == "churn"
    again = await client.get(f"/experiments/{ID}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    fake.answer("GET", f"/experiments/{ID}", {**EXPERIMENT, "display_name": "other"})
    changed = await client.get(
        f"/experiments/{ID}", headers={"If-None-Match": first.headers["etag"]}
    )
    assert changed.status_code == 200


async def test_an_unmodified_run_reads_one_row(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    fake.answer("GET", f"/runs/{ID}", {}, **{"X-Run-Version": "12", "X-Run-State": "RUNNING"})
    known = await client.get(f"/runs/{ID}", headers={"If-None-Match": 'W/"12"'})
    assert known.status_code == 304
    assert [str(one.url.query, "ascii") for one in fake.requests] == ["tasks=false"]
    fake.requests.clear()
    changed = await client.get(f"/runs/{ID}", headers={"If-None-Match": 'W/"11"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"12"')


async def test_a_change_of_a_modified_resource_is_rejected(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    limits = {"namespace": "default", "max_active_runs": 3}
    fake.answer("GET", "/namespaces/default/limits", limits)
    tag = (await client.get("/namespaces/default/limits")).headers["etag"]
    fake.answer("GET", "/namespaces/default/limits", {**limits, "max_active_runs": 4})
    change = {"json": {"max_active_runs": 5}, "headers": {"If-Match": tag}}
    refused = await client.put("/namespaces/default/limits", **change)
    assert (refused.status_code, refused.json()["field"]) == (412, "If-Match")
    fake.answer("GET", "/namespaces/default/limits", limits)
    fake.answer("PUT", "/namespaces/default/limits", {**limits, "max_active_runs": 5})
    made = await client.put("/namespaces/default/limits", **change)
    assert made.json()["max_active_runs"] == 5


async def test_ids_timestamps_and_lists_are_parsed(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    run = {"experiment_id": ID, "rerun": {"run_id": ID, "tasks": ["root/a"]}, "priority": 1.0}
    assert (await client.post("/runs", json=run)).status_code == 404, "no fake service has it"
    assert fake.body["rerun"] == run["rerun"]
    trigger = {"interval_seconds": 60, "start_at": "2026-11-24T09:30:00Z"}
    changes = {"experiment_id": ID, "trigger": trigger, "parameters": {"a": [1, "1", True, None]}}
    await client.patch(f"/recurring-runs/{ID}", json=changes)
    assert fake.body == changes
    changes["trigger"] = {**trigger, "start_at": 1}
    refused = await client.patch(f"/recurring-runs/{ID}", json=changes)
    assert refused.json()["field"] == "trigger.start_at"


async def test_omitted_fields_of_a_change_are_kept(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    await client.patch(f"/pipelines/{ID}", json={"max_active_runs": None})
    assert fake.body == {"max_active_runs": None}
    await client.patch(f"/pipelines/{ID}", json={"tags": {}})
    assert fake.body == {"tags": {}}


async def test_query_parameters_are_added_to_the_filter(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    given = '{"predicates":[{"operation":"EQUALS","key":"namespace","string_value":"a"}]}'
    await client.get("/recurring-runs", params={"name": "nightly", "filter": given})
    sent = fake.requests[-1].url.params["filter"]
    assert '"namespace"' in sent
    assert '"key":"display_name","string_value":"nightly"' in sent


async def test_a_package_is_a_body_or_a_form_file(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    await client.post("/pipelines?name=training", content=b"a: b")
    raw = fake.requests[-1]
    await client.post("/pipelines", files={"uploadfile": ("training.tar.gz", b"a: b")})
    form = fake.requests[-1]
    for request in (raw, form):
        assert request.content == b"a: b"
        assert request.url.params["name"] == "training"
