"""Which namespace a request of KFP's API is about."""

from __future__ import annotations

import json

from headrace_contracts.access import Access, Role

from tests.unit.ui_gateway.kfp.fake_services import (
    AT,
    EXPERIMENT,
    ONE,
    RUN,
    TEAMS,
    kfp_world,
    run_answer,
)


async def test_single_user_mode_has_one_namespace() -> None:
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


async def test_callers_with_several_namespaces_must_name_one() -> None:
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


async def test_the_only_namespace_of_a_caller_is_the_default() -> None:
    async with kfp_world(Access({"team": Role.EDITOR}), multi_user=True) as world:
        world.api.answers["POST /experiments"] = EXPERIMENT
        await world.client.post("/apis/v2beta1/experiments", json={"display_name": "x"})
    assert world.api.calls[0].json["namespace"] == "team"


async def test_a_run_is_created_in_the_namespace_of_its_experiment() -> None:
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
