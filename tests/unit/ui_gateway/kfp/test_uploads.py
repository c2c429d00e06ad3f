"""Uploads of packages: what is passed on, and what is rejection in an upload's own shape."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RetryableError

from tests.unit.ui_gateway.kfp.fake_services import (
    LIMIT,
    PIPELINE,
    TWO,
    VERSION,
    kfp_world,
    rejection,
)

UPLOAD = "/apis/v2beta1/pipelines/upload"
VERSIONS = f"{UPLOAD}_version"


def form(
    content: bytes = b"spec", filename: str = "p.yaml", part: str = "uploadfile"
) -> dict[str, Any]:
    return {"files": [(part, (filename, content, "application/octet-stream"))]}


@pytest.mark.parametrize("content", [b"a: b", b"PK\x03\x04\x00\xff", b"\x1f\x8b\x08\x00\xfe"])
async def test_a_package_passes_unchanged(content: bytes) -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = PIPELINE
        answer = await world.client.post(
            UPLOAD,
            params={"name": "p", "description": "d", "namespace": "n", "tags": '{"a":"b"}'},
            **form(content),
        )
    assert answer.json()["pipeline_id"] == TWO
    (call,) = world.api.calls
    assert call.content == content
    assert call.params == {
        "name": "p",
        "description": "d",
        "namespace": "default",
        "tags": '{"a":"b"}',
    }


@pytest.mark.parametrize(
    ("query", "filename", "name"),
    [
        ({"name": "n", "display_name": "d"}, "p.yaml", "n"),
        ({"display_name": "d"}, "p.yaml", "d"),
        ({}, "p.yaml", "p.yaml"),
        ({}, "../../etc/p.yaml", "p.yaml"),
        ({}, "C:\\temp\\p.yaml", "p.yaml"),
    ],
)
async def test_names(query: dict[str, str], filename: str, name: str) -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = PIPELINE
        await world.client.post(UPLOAD, params=query, **form(filename=filename))
    assert world.api.calls[0].params["name"] == name


async def test_a_version() -> None:
    async with kfp_world() as world:
        world.api.answers[f"POST /pipelines/{TWO}/versions"] = VERSION
        query = {"pipelineid": TWO, "name": "v", "code_source_url": "https://x"}
        answer = await world.client.post(VERSIONS, params=query, **form())
    assert answer.json()["pipeline_spec"] == {"root": {}}
    assert world.api.calls[0].params == {"name": "v", "code_source_url": "https://x"}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"content": b"a: b"}, "not multipart/form-data"),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
        (
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            "cannot be read",
        ),
        (form(part="file"), "no file 'uploadfile'"),
        ({"data": {"uploadfile": "text"}, "files": {"a": b"x"}}, "no file 'uploadfile'"),
        ({"files": [form()["files"][0]] * 2}, "Maximum number of files is 1"),
        ({"json": {}}, "not multipart/form-data"),
    ],
)
async def test_an_upload_must_have_exactly_one_file(request_: dict[str, Any], message: str) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(UPLOAD, **request_)
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"error_message", "error_details"}
    assert message in body["error_message"]
    assert not world.api.calls


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (rejection(RejectionCode.INVALID_SPEC, "why"), 400),
        (rejection(RejectionCode.FORBIDDEN, "why"), 403),
        (rejection(RejectionCode.NOT_FOUND, "why"), 404),
        (rejection(RejectionCode.CONFLICT, "why"), 409),
        (rejection(RejectionCode.TOO_LARGE, "why"), 413),
        (rejection(RejectionCode.INSUFFICIENT_STORAGE, "why"), 507),
        (RetryableError("why"), 503),
    ],
)
async def test_errors_of_uploads_have_their_own_format(error: Exception, status: int) -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = error
        answer = await world.client.post(UPLOAD, **form())
    assert answer.status_code == status
    assert set(answer.json()) == {"error_message", "error_details"}


@pytest.mark.parametrize("path", [UPLOAD, VERSIONS + f"?pipelineid={UUID(int=2)}"])
async def test_an_upload_larger_than_the_limit_is_rejected(path: str) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(path, **form(b"x" * (LIMIT + 100_000)))
    assert answer.status_code == 413
    assert "1 MiB" in answer.json()["error_message"]
    assert not world.api.calls


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 400), ({"pipelineid": "x"}, 404), ({"name": "a\0"}, 400), ({"name": ["a", "b"]}, 400)],
)
async def test_a_version_needs_its_pipeline(query: dict[str, str], status: int) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(VERSIONS, params=query, **form())
    assert answer.status_code == status
    assert set(answer.json()) == {"error_message", "error_details"}
