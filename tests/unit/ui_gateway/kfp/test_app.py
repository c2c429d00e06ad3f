"""KFP's routes: what reaches the services behind, and how their answers and refusals are told."""

from __future__ import annotations

import base64
import json
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import httpx
import pytest
from headrace_contracts.access import Access, Role
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RetryableError

from tests.unit.ui_gateway.kfp.fake_services import LIMIT, kfp_world, refused

AT = "2026-01-02T03:04:05Z"
ONE, TWO, THREE = (str(UUID(int=n)) for n in (1, 2, 3))
EXPERIMENT = {
    "experiment_id": ONE,
    "namespace": "team",
    "display_name": "x",
    "created_at": AT,
    "archived": True,
    "last_run_created_at": AT,
}
PIPELINE = {
    "pipeline_id": TWO,
    "namespace": "team",
    "name": "p",
    "display_name": "P",
    "created_at": AT,
    "tags": {"a": "b"},
}
VERSION = {
    "pipeline_id": TWO,
    "pipeline_version_id": THREE,
    "name": "v",
    "display_name": "V",
    "created_at": AT,
    "package_url": "https://example.com/p.yaml",
    "code_source_url": "https://example.com/code",
    "tags": {"c": "d"},
    "document": {"pipeline_spec": {"root": {}}, "platform_spec": None},
}
RUN = {
    "run_id": ONE,
    "namespace": "team",
    "experiment_id": ONE,
    "display_name": "r",
    "pipeline": {"name": "p"},
    "state": "SUCCEEDED",
    "created_at": AT,
    "version": 3,
}
TEAMS = Access({"team": Role.EDITOR, "other": Role.VIEWER})


def run_answer(run: dict[str, Any]) -> httpx.Response:
    headers = {"X-Run-Version": str(run["version"]), "X-Run-State": run["state"]}
    return httpx.Response(200, json=run, headers=headers)


@pytest.mark.parametrize("path", ["/apis/v2beta1/healthz", "/apis/v1beta1/healthz"])
@pytest.mark.parametrize("multi_user", [True, False])
async def test_health_tells_whether_there_are_users(path: str, multi_user: bool) -> None:
    async with kfp_world(Access(), multi_user=multi_user) as world:
        answer = await world.client.get(path)
    assert answer.json() == {"multi_user": multi_user, "pipeline_store": "database"}


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
async def test_refusals_have_one_shape(method: str, path: str, status: int, code: int) -> None:
    async with kfp_world() as world:
        answer = await world.client.request(method, path)
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.Status"
    assert not world.api.calls
    assert not world.recorder.calls


async def test_what_can_be_done_with_a_path_is_told() -> None:
    async with kfp_world() as world:
        answer = await world.client.put("/apis/v2beta1/runs")
        assert answer.headers["Allow"] == "GET, POST"
        answer = await world.client.get("/apis/v2beta1/pipelines/upload")
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (refused(RejectionCode.NOT_FOUND), 404, 5),
        (refused(RejectionCode.CONFLICT), 409, 6),
        (refused(RejectionCode.FORBIDDEN), 403, 7),
        (refused(RejectionCode.UNAUTHENTICATED), 401, 16),
        (refused(RejectionCode.TOO_MANY_REQUESTS), 429, 8),
        (refused(RejectionCode.TOO_LARGE), 413, 3),
        (refused(RejectionCode.INVALID_SPEC), 400, 3),
        (RetryableError("away"), 503, 14),
        (ValueError("a mistake"), 500, 13),
    ],
)
async def test_refusals_of_services(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: int
) -> None:
    log = Mock()  # to write a traceback for people takes seconds
    monkeypatch.setattr("headrace_ui_gateway.kfp.app.get_logger", lambda: log)
    async with kfp_world() as world:
        world.api.answers[f"GET /experiments/{ONE}"] = error
        answer = await world.client.get(f"/apis/v2beta1/experiments/{ONE}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "mistake" not in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)
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
async def test_conflicts_are_told_as_kfp_does(
    method: str, path: str, behind: str, status: int, code: int
) -> None:
    async with kfp_world() as world:
        world.recorder.answers[f"GET /runs/{ONE}"] = run_answer({**RUN, "state": "RUNNING"})
        world.api.answers[behind] = refused(RejectionCode.CONFLICT)
        answer = await world.client.request(method, f"/apis/v2beta1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_ended_run_cannot_be_terminated() -> None:
    async with kfp_world() as world:
        world.recorder.answers[f"GET /runs/{ONE}"] = run_answer(RUN)
        answer = await world.client.post(f"/apis/v2beta1/runs/{ONE}:terminate")
        assert answer.status_code == 400
        world.api.answers[f"POST /runs/{ONE}/cancel"] = refused(RejectionCode.FORBIDDEN)
        answer = await world.client.post(f"/apis/v2beta1/runs/{ONE}:terminate")
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "content",
    [
        b"{not",
        b"[]",
        b"",
        b"[" * 100_000,
        b'{"surprise": 1}',
        b'{"display_name": "a\\u0000b"}',
        b'{"description": "\\ud800"}',
        b'{"pipeline_spec": {"a": NaN}}',
        b'{"state": "NO"}',
        b'{"created_at": 3}',
        b'{"error": {"code": false}}',
    ],
)
async def test_a_body_that_is_not_a_run_is_refused(content: bytes) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(
            "/apis/v2beta1/runs", content=content, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert not world.api.calls


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_is_read_no_further_than_the_limit(announced: bool) -> None:
    async def endless() -> Any:
        for _ in range(LIMIT // 65536 + 3):
            yield b"x" * 65536

    headers = {"Content-Type": "application/json"}
    if announced:
        headers["Content-Length"] = str(LIMIT * 2)
    async with kfp_world() as world:
        answer = await world.client.post("/apis/v2beta1/runs", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, 3)


async def test_a_single_user_has_one_namespace() -> None:
    async with kfp_world() as world:
        world.api.answers["GET /experiments"] = {"experiments": [EXPERIMENT], "total_size": 1}
        world.api.answers["POST /experiments"] = EXPERIMENT
        listed = await world.client.get("/apis/v2beta1/experiments?namespace=kubeflow")
        made = await world.client.post(
            "/apis/v2beta1/experiments", json={"display_name": "x", "namespace": "kubeflow"}
        )
    assert world.api.calls[0].params["namespace"] == "default"
    assert world.api.calls[1].json["namespace"] == "default"
    expected = {
        "experiment_id": ONE,
        "display_name": "x",
        "created_at": AT,
        "storage_state": "ARCHIVED",
        "last_run_created_at": AT,
    }
    assert made.json() == expected
    assert listed.json() == {"experiments": [expected], "total_size": 1}


async def test_an_empty_list_is_an_empty_object() -> None:
    async with kfp_world() as world:
        for path in ("experiments", "runs", "pipelines", "recurringruns", "artifacts", "tasks"):
            answer = await world.client.get(f"/apis/v2beta1/{path}")
            assert answer.json() == {}, path


async def test_users_name_a_namespace_where_they_see_several() -> None:
    async with kfp_world(TEAMS, multi_user=True) as world:
        world.api.answers["POST /experiments"] = EXPERIMENT
        body = {"display_name": "x"}
        answer = await world.client.post("/apis/v2beta1/experiments", json=body)
        assert answer.status_code == 400
        assert "namespace" in answer.json()["message"]
        body["namespace"] = "team"
        answer = await world.client.post("/apis/v2beta1/experiments", json=body)
        assert answer.json()["namespace"] == "team"
        await world.client.get("/apis/v2beta1/experiments")
        assert "namespace" not in world.api.calls[-1].params
        predicate = {"operation": 1, "key": "namespace", "string_value": "team"}
        query = {"filter": json.dumps({"predicates": [predicate]})}
        await world.client.get("/apis/v2beta1/experiments", params=query)
        assert world.api.calls[-1].params["namespace"] == "team"
        query["namespace"] = "other"
        answer = await world.client.get("/apis/v2beta1/experiments", params=query)
        assert answer.status_code == 400


async def test_the_only_namespace_of_a_user_need_not_be_named() -> None:
    async with kfp_world(Access({"team": Role.EDITOR}), multi_user=True) as world:
        world.api.answers["POST /experiments"] = EXPERIMENT
        await world.client.post("/apis/v2beta1/experiments", json={"display_name": "x"})
    assert world.api.calls[0].json["namespace"] == "team"


async def test_a_run_is_made_in_the_namespace_of_its_experiment() -> None:
    async with kfp_world(TEAMS, multi_user=True) as world:
        world.api.answers[f"GET /experiments/{ONE}"] = EXPERIMENT
        world.api.answers["POST /runs"] = {**RUN, "submitted_at": AT}
        world.recorder.answers[f"GET /runs/{ONE}"] = run_answer(RUN)
        body = {"experiment_id": ONE, "pipeline_spec": {"root": {}}}
        answer = await world.client.post("/apis/v2beta1/runs", json=body)
        assert answer.json()["state"] == "PENDING"
        sent = json.loads(world.api.calls[-1].content or b"")
        assert sent["namespace"] == "team"
        listed = await world.client.get(f"/apis/v2beta1/runs?experiment_id={ONE}")
        assert listed.status_code == 200
        assert world.recorder.calls[-1].params["namespace"] == "team"
        assert world.recorder.calls[-1].params["experiment_id"] == ONE
        answer = await world.client.post("/apis/v2beta1/runs", json={"pipeline_spec": {}})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("role", "verb", "status"),
    [
        (Role.VIEWER, "GET", 200),
        (Role.VIEWER, "CREATE", 403),
        (Role.VIEWER, "DELETE", 403),
        (Role.EDITOR, "CREATE", 200),
        (Role.EDITOR, "3", 200),
        (Role.ADMIN, "2", 200),
    ],
)
async def test_what_a_role_may(role: Role, verb: str, status: int) -> None:
    query = {"namespace": "team", "resources": "VIEWERS", "verb": verb}
    async with kfp_world(Access({"team": role}), multi_user=True) as world:
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == status
        query["namespace"] = "other"
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == 403
        query["namespace"] = ""
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == 400


async def test_pipelines_and_versions() -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = PIPELINE
        world.api.answers["GET /pipelines/by-name/a%2Fb%3Fc"] = PIPELINE
        world.api.answers[f"PATCH /pipelines/{TWO}"] = PIPELINE
        world.api.answers[f"POST /pipelines/{TWO}/versions"] = VERSION
        made = await world.client.post(
            "/apis/v2beta1/pipelines", json={"displayName": "P", "tags": {"a": "b"}}
        )
        assert made.json() == {
            "pipeline_id": TWO,
            "display_name": "P",
            "name": "p",
            "created_at": AT,
            "tags": {"a": "b"},
        }
        assert world.api.calls[-1].params == {
            "empty": "true",
            "name": "P",
            "display_name": "P",
            "namespace": "default",
            "tags": '{"a": "b"}',
        }
        body = {"tags": {}, "description": None, "pipeline_id": "ignored"}
        await world.client.patch(f"/apis/v2beta1/pipelines/{TWO}", json=body)
        assert world.api.calls[-1].json == {"tags": {}}
        url = {"pipeline_url": "https://example.com/p.yaml"}
        version = await world.client.post(
            f"/apis/v2beta1/pipelines/{TWO}/versions", json={"name": "v", "package_url": url}
        )
        assert world.api.calls[-1].params == {"name": "v", "package_url": url["pipeline_url"]}
        assert version.json() == {
            "pipeline_id": TWO,
            "pipeline_version_id": THREE,
            "display_name": "V",
            "name": "v",
            "created_at": AT,
            "package_url": url,
            "code_source_url": "https://example.com/code",
            "pipeline_spec": {"root": {}},
            "tags": {"c": "d"},
        }
        named = await world.client.get("/apis/v2beta1/pipelines/names/a%2Fb%3Fc")
        assert named.json()["pipeline_id"] == TWO
        await world.client.delete(f"/apis/v2beta1/pipelines/{TWO}?cascade=true")
        assert world.api.calls[-1].params == {"cascade": "true"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "v"},
        {"package_url": {"pipeline_url": "https://x"}},
        {"name": "v", "package_url": {"pipeline_url": ""}},
        {"name": "v", "package_url": {"pipeline_url": "https://x"}, "pipeline_spec": {"a": 1}},
    ],
)
async def test_a_version_needs_one_source_and_a_name(body: dict[str, Any]) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(f"/apis/v2beta1/pipelines/{TWO}/versions", json=body)
    assert answer.status_code == 400
    assert not world.api.calls


async def test_a_pipeline_whose_version_is_refused_does_not_stay() -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = PIPELINE
        world.api.answers[f"POST /pipelines/{TWO}/versions"] = refused(RejectionCode.INVALID_SPEC)
        body = {"pipeline": {"name": "p"}, "pipeline_version": {"pipeline_spec": {"a": 1}}}
        answer = await world.client.post("/apis/v2beta1/pipelines/create", json=body)
    assert answer.status_code == 400
    assert [(call.method, call.path) for call in world.api.calls] == [
        ("POST", "/pipelines"),
        ("POST", f"/pipelines/{TWO}/versions"),
        ("DELETE", f"/pipelines/{TWO}"),
    ]
    assert world.api.calls[1].params["name"] == "p"


async def test_the_bytes_and_the_log_of_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = {"name": "m", "uri": "s3://b/m"}
    outputs = {"artifacts": {"m": [artifact], "web": [{"name": "web", "uri": "https://evil/"}]}}
    task = {
        "task_id": TWO,
        "name": "train",
        "display_name": "Train",
        "path": "root/train",
        "state": "SUCCEEDED",
        "created_at": AT,
        "outputs": outputs,
    }

    async def download(url: str, most: int) -> tuple[bytes, bool]:
        assert url == "http://store/m"
        return b"bytes", True

    monkeypatch.setattr("headrace_ui_gateway.kfp.node_files.download", download)
    path = f"GET /runs/{ONE}/tasks/{TWO}"

    def part(call: Any) -> httpx.Response:
        offset = call.params["offset"]
        text = b"first second"
        size, complete = (6, "false") if offset < 6 else (len(text), "true")
        headers = {"X-Log-Size": str(size), "X-Log-Complete": complete}
        return httpx.Response(200, content=text[offset:size], headers=headers)

    async with kfp_world() as world:
        answers = world.recorder.answers
        answers[f"GET /runs/{ONE}"] = run_answer({**RUN, "tasks": [task]})
        answers[f"{path}/artifacts/m"] = {"url": "http://store/m"}
        answers[f"{path}/artifacts/web"] = {"url": "https://evil/"}
        answers[f"{path}/artifacts/folder"] = {"files": []}
        answers[f"{path}/log"] = part
        nodes = f"/apis/v2beta1/runs/{ONE}/nodes/train/artifacts"
        answer = await world.client.get(f"{nodes}/m:read")
        assert base64.b64decode(answer.json()["data"]) == b"bytes"
        for name in ("web", "folder"):
            answer = await world.client.get(f"{nodes}/{name}:read")
            assert (answer.status_code, answer.json()["code"]) == (400, 9)
        logs = f"/apis/v1alpha1/runs/{ONE}/nodes"
        assert (await world.client.get(f"{logs}/{TWO}/log")).text == "first "
        assert (await world.client.get(f"{logs}/Train/log?follow=true")).text == "first second"
        assert (await world.client.get(f"{logs}/nobody/log")).status_code == 404


async def test_artifacts_and_tasks() -> None:
    record = {
        "artifact_id": ONE,
        "namespace": "team",
        "run_id": ONE,
        "task_id": TWO,
        "output": "metrics",
        "name": "metrics",
        "type": "system.Metrics",
        "uri": "s3://b/m",
        "metadata": {"accuracy": 0.5},
        "created_at": AT,
    }
    task = {
        "task_id": TWO,
        "run_id": ONE,
        "name": "i",
        "display_name": "I",
        "path": "root/for/0",
        "kind": "DAG",
        "iteration": 0,
        "state": "WAITING",
        "created_at": AT,
        "inputs": {"parameters": {"n": 1}, "artifacts": {}},
    }
    link = {"artifact_id": ONE, "run_id": ONE, "task_id": TWO, "type": "OUTPUT", "key": "metrics"}
    async with kfp_world(multi_user=True) as world:
        answers = world.recorder.answers
        answers[f"GET /artifacts/{ONE}"] = record
        answers[f"GET /tasks/{TWO}"] = task
        answers["GET /artifact-tasks"] = {"artifact_tasks": [link], "total_size": 1}
        found = (await world.client.get(f"/apis/v2beta1/artifacts/{ONE}")).json()
        assert found == {
            "artifact_id": ONE,
            "name": "metrics",
            "type": "Metric",
            "uri": "s3://b/m",
            "metadata": {"accuracy": 0.5},
            "number_value": 0.5,
            "created_at": AT,
            "namespace": "team",
        }
        query = f"artifact_ids={ONE}&artifact_ids={TWO}&type=2&page_size=1"
        listed = (await world.client.get(f"/apis/v2beta1/artifact_tasks?{query}")).json()
        assert world.recorder.calls[-1].params == {
            "artifact_id": [ONE, TWO],
            "type": "OUTPUT",
            "page_size": 1,
        }
        assert listed["artifact_tasks"][0] == {
            "id": f"{TWO}.output.metrics.{ONE}",
            "artifact_id": ONE,
            "run_id": ONE,
            "task_id": TWO,
            "type": "OUTPUT",
            "key": "metrics",
        }
        shown = (await world.client.get(f"/apis/v2beta1/tasks/{TWO}")).json()
        assert shown == {
            "task_id": TWO,
            "run_id": ONE,
            "name": "i",
            "display_name": "I",
            "create_time": AT,
            "state": "PENDING",
            "state_history": [{"update_time": AT, "state": "PENDING"}],
            "type": "LOOP_ITERATION",
            "type_attributes": {"iteration_index": "0"},
            "inputs": {"parameters": [{"parameter_key": "n", "value": 1}]},
        }
        await world.client.get(f"/apis/v2beta1/tasks?parent_id={TWO}&order_by=create_time desc")
        assert world.recorder.calls[-1].params == {
            "parent_task_id": TWO,
            "sort_by": "created_at desc",
            "page_size": 0,
        }


async def test_the_document_describes_every_answer() -> None:
    async with kfp_world() as world:
        document = (await world.client.get("/apis/v2beta1/openapi.json")).json()
    assert all(path.startswith("/apis/v") for path in document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            told = set(operation["responses"])
            assert {"401", "429", "500"} <= told, (method, path)
            assert "422" not in told
            assert "501" in told or {"200", "400", "403", "404", "409", "503"} <= told
    names = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(names) == len(set(names))
