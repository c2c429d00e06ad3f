"""KFP's application: errors, limits and the OpenAPI document."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RetryableError

from tests.unit.ui_gateway.kfp.fake_services import (
    LIMIT,
    ONE,
    RUN,
    kfp_world,
    rejection,
    run_answer,
)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/apis/v2beta1/nothing", 404, 5),
        ("GET", "/apis/v3/runs", 404, 5),
        ("GET", "/apis/v2beta1/runs/", 404, 5),
        ("GET", "/apis/v2beta1/runs/not-an-id", 404, 5),
        ("GET", "/apis/v2beta1/runs/" + "1" * 40, 404, 5),
        ("DELETE", "/apis/v2beta1/runs/{x}", 404, 5),
        ("GET", f"/apis/v2beta1/runs/{ONE}:terminate", 405, 12),
        ("PUT", "/apis/v2beta1/runs", 405, 12),
        ("GET", "/apis/v2beta1/runs?page_size=-1", 400, 3),
        ("GET", "/apis/v2beta1/runs?page_size=many", 400, 3),
        ("GET", "/apis/v2beta1/runs?page_size=0.0", 400, 3),
        ("GET", "/apis/v2beta1/runs?page_size=1&page_size=2", 400, 3),
        ("GET", "/apis/v2beta1/runs/a%0A", 404, 5),
        ("GET", "/apis/v2beta1/runs?filter=x", 400, 3),
        ("GET", "/apis/v2beta1/runs?sort_by=color", 400, 3),
        ("GET", "/apis/v2beta1/runs?page_token=%00", 400, 3),
        ("GET", "/apis/v2beta1/runs?experiment_id=x", 404, 5),
        ("GET", "/apis/v2beta1/auth?verb=GET", 400, 3),
        ("GET", "/apis/v2beta1/auth?resources=VIEWERS", 400, 3),
        ("GET", "/apis/v2beta1/auth?resources=VIEWERS&verb=LIST", 400, 3),
        ("GET", "/apis/v2beta1/filters", 501, 12),
        ("POST", "/apis/v2beta1/workflows", 501, 12),
        ("POST", "/apis/v2beta1/scheduledworkflows", 501, 12),
        ("POST", "/apis/v2beta1/visualizations/team", 501, 12),
        ("POST", "/apis/v2beta1/artifacts", 501, 12),
        ("PUT", f"/apis/v2beta1/artifacts/{ONE}", 501, 12),
        ("POST", "/apis/v2beta1/artifact_tasks", 501, 12),
        ("POST", "/apis/v2beta1/tasks", 501, 12),
        ("PATCH", f"/apis/v2beta1/tasks/{ONE}", 501, 12),
        ("GET", "/apis/v2beta1/artifact_tasks?type=BOTH", 400, 3),
        ("GET", "/apis/v2beta1/tasks?run_id=x", 404, 5),
    ],
)
async def test_every_error_is_a_grpc_status(method: str, path: str, status: int, code: int) -> None:
    async with kfp_world() as world:
        answer = await world.client.request(method, path)
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.Status"
    assert not world.api.calls
    assert not world.recorder.calls


async def test_a_405_lists_the_allowed_methods() -> None:
    async with kfp_world() as world:
        answer = await world.client.put("/apis/v2beta1/runs")
        assert answer.headers["Allow"] == "GET, POST"
        answer = await world.client.get("/apis/v2beta1/pipelines/upload")
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (rejection(RejectionCode.NOT_FOUND), 404, 5),
        (rejection(RejectionCode.CONFLICT), 409, 6),
        (rejection(RejectionCode.FORBIDDEN), 403, 7),
        (rejection(RejectionCode.UNAUTHENTICATED), 401, 16),
        (rejection(RejectionCode.TOO_MANY_REQUESTS), 429, 8),
        (rejection(RejectionCode.TOO_LARGE), 413, 3),
        (rejection(RejectionCode.INSUFFICIENT_STORAGE), 507, 8),
        (rejection(RejectionCode.INVALID_SPEC), 400, 3),
        (RetryableError("away"), 503, 14),
        (ValueError("a mistake"), 500, 13),
    ],
)
async def test_errors_of_services_are_mapped_to_grpc_codes(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: int
) -> None:
    log = Mock()  # to write a traceback for people takes seconds
    monkeypatch.setattr("headrace_ui_gateway.kfp.app.get_logger", lambda: log)
    async with kfp_world() as world:
        world.api.answers[f"GET /experiments/{ONE}"] = error
        answer = await world.client.get(f"/apis/v2beta1/experiments/{ONE}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "mistake" not in answer.text
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert log.error.called == (status == 500)


@pytest.mark.parametrize(
    ("method", "path", "behind", "status", "code"),
    [
        ("DELETE", f"pipelines/{ONE}", f"DELETE /pipelines/{ONE}", 400, 9),
        ("DELETE", f"experiments/{ONE}", f"DELETE /experiments/{ONE}", 409, 10),
        ("POST", f"runs/{ONE}:retry", f"POST /runs/{ONE}/retry", 409, 10),
        ("POST", f"runs/{ONE}:unarchive", f"POST /runs/{ONE}/unarchive", 400, 9),
        ("POST", f"runs/{ONE}:terminate", f"POST /runs/{ONE}/cancel", 400, 3),
    ],
)
async def test_conflicts_have_the_codes_of_kfp(
    method: str, path: str, behind: str, status: int, code: int
) -> None:
    async with kfp_world() as world:
        world.recorder.answers[f"GET /runs/{ONE}"] = run_answer({**RUN, "state": "RUNNING"})
        world.api.answers[behind] = rejection(RejectionCode.CONFLICT)
        answer = await world.client.request(method, f"/apis/v2beta1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_larger_than_the_limit_is_rejected(announced: bool) -> None:
    async def endless() -> Any:
        for _ in range(LIMIT // 65536 + 3):
            yield b"x" * 65536

    headers = {"Content-Type": "application/json"}
    if announced:
        headers["Content-Length"] = str(LIMIT * 2)
    async with kfp_world() as world:
        answer = await world.client.post("/apis/v2beta1/runs", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, 3)


async def test_an_empty_list_is_an_empty_object() -> None:
    async with kfp_world() as world:
        for path in ("experiments", "runs", "pipelines", "recurringruns", "artifacts", "tasks"):
            answer = await world.client.get(f"/apis/v2beta1/{path}")
            assert answer.json() == {}, path


async def test_the_openapi_document_describes_every_error() -> None:
    async with kfp_world() as world:
        document = (await world.client.get("/apis/v2beta1/openapi.json")).json()
    assert all(path.startswith("/apis/v") for path in document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            documented = set(operation["responses"])
            assert {"401", "429", "500"} <= documented, (method, path)
            assert "422" not in documented
            assert "501" in documented or {"200", "400", "403", "404", "409", "503"} <= documented
    names = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(names) == len(set(names))
