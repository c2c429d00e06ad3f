"""KFP's routes of pipelines and versions."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import RejectionCode

from tests.unit.ui_gateway.kfp.fake_services import (
    AT,
    PIPELINE,
    THREE,
    TWO,
    VERSION,
    kfp_world,
    rejection,
)


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
async def test_a_version_requires_one_source_and_a_name(body: dict[str, Any]) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(f"/apis/v2beta1/pipelines/{TWO}/versions", json=body)
    assert answer.status_code == 400
    assert not world.api.calls


async def test_a_pipeline_is_deleted_when_its_first_version_is_rejected() -> None:
    async with kfp_world() as world:
        world.api.answers["POST /pipelines"] = PIPELINE
        world.api.answers[f"POST /pipelines/{TWO}/versions"] = rejection(RejectionCode.INVALID_SPEC)
        body = {"pipeline": {"name": "p"}, "pipeline_version": {"pipeline_spec": {"a": 1}}}
        answer = await world.client.post("/apis/v2beta1/pipelines/create", json=body)
    assert answer.status_code == 400
    assert [(call.method, call.path) for call in world.api.calls] == [
        ("POST", "/pipelines"),
        ("POST", f"/pipelines/{TWO}/versions"),
        ("DELETE", f"/pipelines/{TWO}"),
    ]
    assert world.api.calls[1].params["name"] == "p"
