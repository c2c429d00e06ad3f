"""Lists of tasks, of artifacts, and of the inputs and outputs of tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from headrace_contracts.ids import new_id
from headrace_contracts.messages import events as e
from headrace_contracts.values import Inputs, Outputs

from tests.integration.recorder.conftest import artifact, made, measured, of, started, task
from tests.support.submissions import submitted

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder


def where(key: str, operation: str, value: str) -> str:
    return json.dumps({"predicates": [{"key": key, "operation": operation, "string_value": value}]})


async def test_tasks_of_a_run_of_a_parent_task_and_of_a_namespace(recorder: Recorder) -> None:
    run, other = await recorder.submit(), await recorder.submit()
    await recorder.record(started(run, "root/a", "root/b", "root/b/c"), started(other, "root/a"))
    paths = [row["path"] for row in await recorder.walk("/tasks", "tasks", page_size=1, run_id=run)]
    assert sorted(paths) == ["root/a", "root/b", "root/b/c"]
    inside = (await recorder.get("/tasks", parent_task_id=of(run, "root/b")))["tasks"]
    assert [(row["path"], row["run_id"]) for row in inside] == [("root/b/c", str(run))]
    assert (await recorder.get("/tasks"))["total_size"] == 4
    named = await recorder.get("/tasks", filter=where("name", "EQUALS", "a"))
    assert named["total_size"] == 2
    shown = await recorder.get(f"/tasks/{of(run, 'root/b/c')}")
    assert shown["parent_task_id"] == str(of(run, "root/b"))
    assert "run_id" not in (await recorder.get(f"/runs/{run}"))["tasks"][0]
    await recorder.get("/tasks", run_id=uuid4(), expect=404)
    await recorder.get("/tasks", parent_task_id=uuid4(), expect=404)
    await recorder.get("/tasks", run_id=run, namespace="another", expect=404)


async def test_artifacts(recorder: Recorder) -> None:
    run = await recorder.submit()
    model = artifact("s3://x/" + "long" * 1000, metadata={"size": 1})
    data = artifact("s3://x/data", "system.Dataset").model_copy(update={"name": "the data"})
    await recorder.record(started(run), made(run, model, data))
    assert (await recorder.get("/artifacts"))["total_size"] == 2
    walked = await recorder.walk("/artifacts", "artifacts", page_size=1, run_id=run)
    assert {row["artifact_id"] for row in walked} == {str(model.artifact_id), str(data.artifact_id)}
    for key, operation, value, expected in (
        ("type", "EQUALS", "system.Dataset", data),
        ("name", "IS_SUBSTRING", "DATA", data),
        ("uri", "EQUALS", model.uri, model),
        ("artifact_id", "EQUALS", str(model.artifact_id), model),
        ("task_id", "EQUALS", str(of(run)), None),
    ):
        found = (await recorder.get("/artifacts", filter=where(key, operation, value)))["artifacts"]
        assert expected is None or [a["artifact_id"] for a in found] == [str(expected.artifact_id)]
    shown = await recorder.get(f"/artifacts/{model.artifact_id}")
    assert shown["namespace"] == recorder.namespace
    assert (shown["output"], shown["name"], shown["type"]) == ("out", "model", "system.Model")
    assert (shown["metadata"], shown["task_id"]) == ({"size": 1}, str(of(run)))
    for sort_by in ("name", "uri desc", "artifact_id", "created_at"):
        assert (await recorder.get("/artifacts", sort_by=sort_by))["total_size"] == 2
    await recorder.get("/artifacts", sort_by="type", expect=400)
    await recorder.get(f"/artifacts/{uuid4()}", expect=404)


async def test_inputs_and_outputs_of_tasks(recorder: Recorder) -> None:
    run, again = await recorder.submit(), await recorder.submit()
    data, model = artifact("s3://x/data"), artifact("s3://x/model")
    inputs = Inputs(artifacts={"data": (data,)})
    await recorder.record(
        started(run),
        e.TaskReady(**task(run), inputs=inputs),
        made(run, model),
        started(again),
        e.TaskSucceeded(  # from the cache: the same artifact is an output of this task too
            **task(again), outputs=Outputs(artifacts={"out": (model,)}), inputs=inputs
        ),
    )

    async def rows(**params: Any) -> list[tuple[str, str, UUID, UUID]]:
        found = await recorder.walk("/artifact-tasks", "artifact_tasks", page_size=1, **params)
        return sorted(
            (one["type"], one["key"], UUID(one["artifact_id"]), UUID(one["task_id"]))
            for one in found
        )

    used = [("INPUT", "data", data.artifact_id, of(one)) for one in (run, again)]
    out = [("OUTPUT", "out", model.artifact_id, of(one)) for one in (run, again)]
    assert await rows(artifact_id=data.artifact_id) == sorted(used)
    assert await rows(artifact_id=[str(model.artifact_id), str(data.artifact_id)]) == sorted(
        used + out
    )
    assert await rows(run_id=run) == [used[0], out[0]]
    assert await rows(task_id=of(again), type="OUTPUT") == [out[1]]
    assert await rows(run_id=run, artifact_id=model.artifact_id) == [out[0]]
    assert await rows(run_id=uuid4()) == []


@pytest.mark.parametrize(
    "given",
    [{}, {"type": "INPUT"}, {"run_id": "x"}, {"run_id": str(UUID(int=1)), "type": "BOTH"},
     {"run_id": str(UUID(int=1)), "filter": "{}"},
     {"run_id": [str(UUID(int=n)) for n in range(101)]}],
)  # fmt: skip
async def test_inputs_and_outputs_need_an_id(recorder: Recorder, given: dict[str, Any]) -> None:
    await recorder.get("/artifact-tasks", expect=400, **given)


async def test_rows_recorded_before_the_submission_are_listed_after_it(recorder: Recorder) -> None:
    run = new_id()
    await recorder.record(started(run), measured(run, x=1))
    assert (await recorder.get("/tasks"))["total_size"] == 0
    await recorder.record(submitted(run, namespace=recorder.namespace))
    for path in ("/tasks", "/artifacts", "/runs"):
        assert (await recorder.get(path))["total_size"] == 1, path
    (shown,) = (await recorder.get("/runs", sort_by="metric:x"))["runs"]
    assert shown["metrics"] == {"x": 1}


async def test_lists_have_no_rows_of_deleted_runs(recorder: Recorder) -> None:
    run, kept = await recorder.submit(), await recorder.submit()
    await recorder.record(started(run), measured(run, x=1), started(kept), measured(kept, x=1))
    await recorder.record(e.RunDeleted(run_id=run))
    await recorder.record(measured(run, x=2))
    for path in ("/tasks", "/artifacts", "/runs"):
        assert (await recorder.get(path))["total_size"] == 1, path
    assert (await recorder.get("/artifact-tasks", run_id=run))["total_size"] == 0
    runs = (await recorder.get("/runs", sort_by="metric:x"))["runs"]
    assert [one["run_id"] for one in runs] == [str(kept)]
    async with recorder.database.read() as connection:
        for table in ("task", "artifact", "artifact_task", "run_metric"):
            count = await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE run_id = $1", run
            )
            assert count == 0, table


async def test_the_content_of_an_artifact_is_read_by_its_id_alone(recorder: Recorder) -> None:
    run = await recorder.submit()
    first, second = artifact("s3://x/first"), artifact("s3://x/second")
    await recorder.record(started(run), made(run, first, second))
    found = await recorder.get(f"/artifacts/{second.artifact_id}/content")
    assert found == {"url": "s3://x/second"}
    await recorder.get(f"/artifacts/{uuid4()}/content", expect=404)
