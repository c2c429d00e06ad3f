"""Runs and tasks as KFP's messages, and KFP's requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.failures import Failure, FailureCode, RejectionCode
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import Origin, PipelineIdentity
from headrace_contracts.resources import Run, StateChange
from headrace_contracts.resources import Task as TaskResource
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact, Inputs, Outputs
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.kfp.messages.runs import RuntimeState, V2beta1Run
from headrace_ui_gateway.kfp.translate import runs as kfp_runs

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EPOCH = "1970-01-01T00:00:00Z"
RUN, TASK, EXPERIMENT = UUID(int=1), UUID(int=2), UUID(int=3)
BROKE = Failure(code=FailureCode.COMMAND_FAILED, message="exit code 1")
DOCUMENT = {"pipeline_spec": {"root": {}}, "platform_spec": None}


def a_run(**fields: Any) -> Run:
    return Run(
        **{
            "run_id": RUN,
            "namespace": "default",
            "experiment_id": EXPERIMENT,
            "display_name": "a run",
            "pipeline": PipelineIdentity(name="train"),
            "state": RunState.RUNNING,
            "created_at": AT,
            "version": 1,
            **fields,
        }
    )


def a_task(**fields: Any) -> TaskResource:
    return TaskResource(
        **{
            "task_id": TASK,
            "name": "train",
            "display_name": "Train",
            "path": "root/train",
            "state": TaskState.RUNNING,
            "created_at": AT,
            **fields,
        }
    )


def translated(found: Run, document: dict[str, Any] | None = None) -> dict[str, Any]:
    return kfp_runs.run(found, document).to_dict()


def detail(found: TaskResource) -> dict[str, Any]:
    return kfp_runs.task_detail(found, RUN, []).to_dict()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RunState.PENDING, "PENDING"),
        (RunState.RUNNING, "RUNNING"),
        (RunState.PAUSED, "PAUSED"),
        (RunState.CANCELING, "CANCELING"),
        (RunState.SUCCEEDED, "SUCCEEDED"),
        (RunState.FAILED, "FAILED"),
        (RunState.CANCELED, "FAILED"),
    ],
)
def test_states_of_runs(state: RunState, expected: str) -> None:
    answer = translated(a_run(state=state, state_history=(StateChange(state=state, at=AT),)))
    assert answer["state"] == expected
    assert answer["state_history"] == [{"update_time": "2026-01-02T03:04:05Z", "state": expected}]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TaskState.PENDING, "PENDING"),
        (TaskState.READY, "PENDING"),
        (TaskState.WAITING, "PENDING"),
        (TaskState.RUNNING, "RUNNING"),
        (TaskState.SUCCEEDED, "SUCCEEDED"),
        (TaskState.FAILED, "FAILED"),
        (TaskState.SKIPPED, "SKIPPED"),
        (TaskState.CANCELED, "CANCELED"),
    ],
)
def test_states_of_tasks(state: TaskState, expected: str) -> None:
    answer = detail(a_task(state=state))
    assert answer["state"] == expected
    assert answer["state_history"][-1]["state"] == expected


def test_every_state_is_translated() -> None:
    assert {kfp_runs.run_state(state) for state in RunState} <= set(RuntimeState)
    assert {kfp_runs.task_state(state) for state in TaskState} <= set(RuntimeState)


def test_a_pending_run() -> None:
    assert translated(a_run()) == {
        "experiment_id": str(EXPERIMENT),
        "run_id": str(RUN),
        "display_name": "a run",
        "storage_state": "AVAILABLE",
        "created_at": "2026-01-02T03:04:05Z",
        "scheduled_at": "2026-01-02T03:04:05Z",
        "finished_at": EPOCH,
        "state": "RUNNING",
    }


def test_a_run_with_all_fields() -> None:
    identity = PipelineIdentity(
        name="train", pipeline_id=UUID(int=4), pipeline_version_id=UUID(int=5)
    )
    found = a_run(
        description="nightly",
        pipeline=identity,
        parameters={"n": 0, "flag": False, "text": "", "none": None},
        pipeline_root="s3://b/root",
        service_account="robot",
        archived=True,
        recurring_run_id=UUID(int=6),
        scheduled_at=AT - timedelta(hours=1),
        finished_at=(AT + timedelta(seconds=1.5)).astimezone(timezone(timedelta(hours=2))),
        state=RunState.FAILED,
        error=BROKE,
        tasks=(a_task(),),
    )
    answer = translated(found, DOCUMENT)
    assert answer["pipeline_version_reference"] == {
        "pipeline_id": str(UUID(int=4)),
        "pipeline_version_id": str(UUID(int=5)),
    }
    assert "pipeline_spec" not in answer
    assert answer["runtime_config"] == {
        "parameters": {"n": 0, "flag": False, "text": "", "none": None},
        "pipeline_root": "s3://b/root",
    }
    assert answer["storage_state"] == "ARCHIVED"
    assert answer["recurring_run_id"] == str(UUID(int=6))
    assert answer["scheduled_at"] == "2026-01-02T02:04:05Z"
    assert answer["finished_at"] == "2026-01-02T03:04:06.500000Z"
    assert answer["error"] == {"code": 2, "message": "exit code 1"}
    assert [one["task_id"] for one in answer["run_details"]["task_details"]] == [str(TASK)]


def test_a_canceled_run_has_the_error_terminated() -> None:
    answer = translated(a_run(state=RunState.CANCELED))
    assert answer["error"] == {"code": 1, "message": "the run was terminated"}


def test_a_submitted_spec_is_returned() -> None:
    assert translated(a_run(), DOCUMENT)["pipeline_spec"] == {"root": {}}
    both = {"pipeline_spec": {"root": {}}, "platform_spec": {"platforms": {}}}
    assert translated(a_run(), both)["pipeline_spec"] == both


def test_a_waiting_task_has_timestamps() -> None:
    answer = detail(a_task(state=TaskState.PENDING))
    assert (answer["start_time"], answer["end_time"]) == (EPOCH, EPOCH)
    assert answer["create_time"] == "2026-01-02T03:04:05Z"
    assert answer["state_history"] == [{"update_time": answer["create_time"], "state": "PENDING"}]
    assert "executor_detail" not in answer


def test_a_task_with_all_fields() -> None:
    data = Artifact(name="data", uri="s3://b/d", artifact_id=UUID(int=7))
    found = a_task(
        state=TaskState.FAILED,
        parent_task_id=UUID(int=8),
        attempt=3,
        started_at=AT + timedelta(seconds=1),
        finished_at=AT + timedelta(seconds=2),
        error=BROKE,
        inputs=Inputs(artifacts={"data": (data, data)}),
        outputs=Outputs(artifacts={"model": (data,)}),
    )
    answer = detail(found)
    assert (answer["run_id"], answer["parent_task_id"]) == (str(RUN), str(UUID(int=8)))
    assert answer["error"] == {"code": 2, "message": "exit code 1"}
    assert answer["inputs"] == {"data": {"artifact_ids": [str(UUID(int=7))] * 2}}
    assert answer["outputs"] == {"model": {"artifact_ids": [str(UUID(int=7))]}}
    assert answer["executor_detail"] == {
        "main_job": f"{TASK}-3",
        "failed_main_jobs": [f"{TASK}-1", f"{TASK}-2"],
    }
    assert answer["state_history"] == [
        {"update_time": "2026-01-02T03:04:05Z", "state": "PENDING"},
        {"update_time": "2026-01-02T03:04:06Z", "state": "RUNNING"},
        {"update_time": "2026-01-02T03:04:07Z", "state": "FAILED"},
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": TaskKind.DAG, "attempt": 1},
        {"attempt": 0},
        {"attempt": 1, "origin": Origin(kind="cache", run_id=RUN, task_id=TASK)},
    ],
)
def test_a_task_without_a_job_has_no_executor_detail(fields: dict[str, Any]) -> None:
    assert "executor_detail" not in detail(a_task(**fields))


def test_a_task_lists_the_tasks_inside_it() -> None:
    inside = [a_task(task_id=UUID(int=20 + n), parent_task_id=TASK) for n in range(2)]
    answer = translated(a_run(tasks=(a_task(kind=TaskKind.DAG), *inside)))
    details = answer["run_details"]["task_details"]
    assert details[0]["child_tasks"] == [{"task_id": str(one.task_id)} for one in inside]
    assert all("child_tasks" not in one for one in details[1:])
    assert all(one["parent_task_id"] == str(TASK) for one in details[1:])


def requested(body: dict[str, Any]) -> SubmitRun:
    return kfp_runs.submit_request(V2beta1Run.model_validate(body), "default")


@pytest.mark.parametrize(
    "body",
    [
        {
            "display_name": "a run",
            "experiment_id": str(EXPERIMENT),
            "pipeline_version_reference": {"pipeline_id": str(UUID(int=4))},
            "runtime_config": {"parameters": {"n": 1}, "pipeline_root": "s3://b/r"},
            "service_account": "robot",
        },
        {
            "displayName": "a run",
            "experimentId": str(EXPERIMENT),
            "pipelineVersionReference": {"pipelineId": str(UUID(int=4))},
            "runtimeConfig": {"parameters": {"n": 1}, "pipelineRoot": "s3://b/r"},
            "serviceAccount": "robot",
        },
    ],
)
def test_field_names_may_be_snake_case_or_camel_case(body: dict[str, Any]) -> None:
    request = requested(body)
    assert request.pipeline is not None
    assert request.pipeline.pipeline_id == UUID(int=4)
    assert request.parameters == {"n": 1}
    assert (request.display_name, request.experiment_id) == ("a run", EXPERIMENT)
    assert (request.pipeline_root, request.service_account) == ("s3://b/r", "robot")


def test_a_spec_in_a_request_is_not_validated() -> None:
    spec = {"pipelineInfo": {"name": "x"}, "camelCase": {"stays": 1}}
    request = requested({"pipeline_spec": spec, "runtime_config": None})
    assert (request.pipeline_spec, request.pipeline, request.parameters) == (spec, None, {})


def test_fields_of_the_server_are_ignored_in_requests() -> None:
    answered = translated(a_run(state=RunState.FAILED, error=BROKE, tasks=(a_task(),)), DOCUMENT)
    request = requested(answered)
    assert (request.display_name, request.pipeline_spec) == ("a run", {"root": {}})


def test_the_experiment_of_the_query_is_the_default() -> None:
    body = V2beta1Run(display_name="x")
    request = kfp_runs.submit_request(body, "team", str(EXPERIMENT))
    assert (request.experiment_id, request.namespace) == (EXPERIMENT, "team")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"experiment_id": "x"}, "experiment_id", "experiment_id: Input should be a valid UUID"),
        ({"display_name": "x" * 256}, "display_name", "at most 255 characters"),
        (
            {"pipeline_version_reference": {"pipeline_id": "x"}},
            "pipeline.pipeline_id",
            "valid UUID",
        ),
        (
            {"plugins_input": {"mlflow": {"a": 1}}},
            "plugins_input",
            "plugins_input is not supported",
        ),
        ({"pipeline_version_id": "x"}, "pipeline_version_id", "pipeline_version_reference"),
        (
            {"pipeline_version_reference": {"pipeline_version_id": "x"}},
            "pipeline_version_reference.pipeline_id",
            "no pipeline_id",
        ),
    ],
)
def test_an_invalid_request_names_its_field(body: Any, field: str, message: str) -> None:
    with pytest.raises(RejectedError) as caught:
        requested(body)
    rejection = caught.value.rejection
    assert rejection.code == RejectionCode.MALFORMED
    assert rejection.field == field
    assert message in rejection.message
