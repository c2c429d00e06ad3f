"""KFP's routes of artifacts, lineage and tasks."""

from __future__ import annotations

from tests.unit.ui_gateway.kfp.fake_services import AT, ONE, TWO, kfp_world


async def test_artifacts_lineage_and_tasks() -> None:
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
