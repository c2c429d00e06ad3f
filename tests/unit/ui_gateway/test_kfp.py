"""KFP's API in both directions: our resources in its words, its requests in ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.events import PipelineIdentity
from headrace_contracts.failures import Failure, FailureCode, Rejection, RejectionCode
from headrace_contracts.resources import Experiment, Pipeline, PipelineVersion, Run, StateChange
from headrace_contracts.resources import Task as TaskResource
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Artifact, Inputs, Outputs
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.core import kfp

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EPOCH = "1970-01-01T00:00:00Z"
RUN, TASK, EXPERIMENT = UUID(int=1), UUID(int=2), UUID(int=3)
BROKE = Failure(code=FailureCode.COMMAND_FAILED, message="exit code 1")
DOCUMENT = {"pipeline_spec": {"root": {}}, "platform_spec": None}
KFP_STATES = {  # V2beta1RuntimeState of kfp-server-api
    "RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "SUCCEEDED", "SKIPPED", "FAILED",
    "CANCELING", "CANCELED", "PAUSED",
}  # fmt: skip


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
    answer = kfp.run(a_run(state=state, state_history=(StateChange(state=state, at=AT),)))
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
    answer = kfp.task(a_task(state=state), a_run())
    assert answer["state"] == expected
    assert answer["state_history"][0]["state"] == expected


def test_no_state_is_said_that_kfp_does_not_have() -> None:
    assert {kfp.run(a_run(state=state))["state"] for state in RunState} <= KFP_STATES
    assert {kfp.task(a_task(state=s), a_run())["state"] for s in TaskState} <= KFP_STATES


def test_a_run_that_has_just_begun() -> None:
    assert kfp.run(a_run()) == {
        "experiment_id": str(EXPERIMENT),
        "run_id": str(RUN),
        "display_name": "a run",
        "storage_state": "AVAILABLE",
        "created_at": "2026-01-02T03:04:05Z",
        "scheduled_at": "2026-01-02T03:04:05Z",
        "finished_at": EPOCH,
        "state": "RUNNING",
    }


def test_a_run_with_everything() -> None:
    identity = PipelineIdentity(
        name="train", pipeline_id=UUID(int=4), pipeline_version_id=UUID(int=5)
    )
    found = a_run(
        description="nightly",
        pipeline=identity,
        parameters={"n": 0, "flag": False, "text": ""},
        pipeline_root="s3://b/root",
        service_account="robot",
        archived=True,
        recurring_run_id=UUID(int=6),
        scheduled_at=AT - timedelta(hours=1),
        finished_at=AT + timedelta(seconds=1.5),
        state=RunState.FAILED,
        error=BROKE,
        tasks=(a_task(),),
    )
    answer = kfp.run(found, DOCUMENT)
    assert answer["pipeline_version_reference"] == {
        "pipeline_id": str(UUID(int=4)),
        "pipeline_version_id": str(UUID(int=5)),
    }
    assert "pipeline_spec" not in answer
    assert answer["runtime_config"] == {
        "parameters": {"n": 0, "flag": False, "text": ""},
        "pipeline_root": "s3://b/root",
    }
    assert answer["storage_state"] == "ARCHIVED"
    assert answer["recurring_run_id"] == str(UUID(int=6))
    assert answer["scheduled_at"] == "2026-01-02T02:04:05Z"
    assert answer["finished_at"] == "2026-01-02T03:04:06.500000Z"
    assert answer["error"] == {"code": 2, "message": "exit code 1"}
    assert [one["task_id"] for one in answer["run_details"]["task_details"]] == [str(TASK)]


def test_a_canceled_run_says_that_it_was_terminated() -> None:
    answer = kfp.run(a_run(state=RunState.CANCELED))
    assert answer["error"] == {"code": 1, "message": "the run was terminated"}


def test_a_spec_that_came_along_is_given_back() -> None:
    assert kfp.run(a_run(), DOCUMENT)["pipeline_spec"] == {"root": {}}
    both = {"pipeline_spec": {"root": {}}, "platform_spec": {"platforms": {}}}
    assert kfp.run(a_run(), both)["pipeline_spec"] == both


def test_a_task_that_waits_has_moments_that_clients_can_read() -> None:
    answer = kfp.task(a_task(state=TaskState.PENDING), a_run())
    assert (answer["start_time"], answer["end_time"]) == (EPOCH, EPOCH)
    assert answer["create_time"] == "2026-01-02T03:04:05Z"
    assert answer["state_history"][0]["update_time"] == answer["create_time"]


def test_a_task_with_everything() -> None:
    data = Artifact(name="data", uri="s3://b/d", artifact_id=UUID(int=7))
    found = a_task(
        state=TaskState.FAILED,
        parent_task_id=UUID(int=8),
        started_at=AT,
        finished_at=AT + timedelta(seconds=2),
        error=BROKE,
        inputs=Inputs(artifacts={"data": (data, data)}),
        outputs=Outputs(artifacts={"model": (data,)}),
    )
    answer = kfp.task(found, a_run())
    assert (answer["run_id"], answer["parent_task_id"]) == (str(RUN), str(UUID(int=8)))
    assert answer["error"] == {"code": 2, "message": "exit code 1"}
    assert answer["inputs"] == {"data": {"artifact_ids": [str(UUID(int=7))] * 2}}
    assert answer["outputs"] == {"model": {"artifact_ids": [str(UUID(int=7))]}}
    assert answer["end_time"] == answer["state_history"][0]["update_time"] == "2026-01-02T03:04:07Z"


def test_experiments_pipelines_and_versions() -> None:
    common = {"display_name": "X", "created_at": AT}
    experiment = kfp.experiment(Experiment(experiment_id=EXPERIMENT, namespace="default", **common))
    assert experiment == {
        "experiment_id": str(EXPERIMENT),
        "display_name": "X",
        "created_at": "2026-01-02T03:04:05Z",
        "last_run_created_at": EPOCH,
        "storage_state": "AVAILABLE",
    }
    ids = {"pipeline_id": UUID(int=4), "name": "x", **common}
    pipeline = kfp.pipeline(Pipeline(namespace="default", **ids))
    assert pipeline["pipeline_id"] == str(UUID(int=4))
    version = PipelineVersion(pipeline_version_id=UUID(int=5), **ids)
    assert "pipeline_spec" not in kfp.version(version)
    shown = kfp.version(version.model_copy(update={"document": DOCUMENT}))
    assert shown["pipeline_spec"] == {"root": {}}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, None),
        (AT, "2026-01-02T03:04:05Z"),
        (AT.astimezone(timezone(timedelta(hours=2))), "2026-01-02T05:04:05+02:00"),
    ],
)
def test_moments(at: datetime | None, expected: str | None) -> None:
    assert kfp.time(at) == expected


def test_only_what_is_empty_is_left_out() -> None:
    value = {"a": None, "b": "", "c": [], "d": {}, "e": (), "f": 0, "g": False, "h": [0]}
    assert kfp.present(value) == {"f": 0, "g": False, "h": [0]}


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (RejectionCode.NOT_FOUND, 5),
        (RejectionCode.CONFLICT, 6),
        (RejectionCode.MALFORMED, 3),
        (RejectionCode.INVALID_SPEC, 3),
        (RejectionCode.TOO_LARGE, 3),
    ],
)
def test_errors_are_those_of_grpc(code: RejectionCode, number: int) -> None:
    answer = kfp.status(Rejection(code=code, message="why"))
    assert (answer["code"], answer["message"]) == (number, "why")
    assert answer["details"][0]["code"] == number


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
def test_a_request_in_either_spelling(body: dict[str, Any]) -> None:
    request = kfp.submit_request(body)
    assert request.pipeline is not None
    assert request.pipeline.pipeline_id == UUID(int=4)
    assert request.parameters == {"n": 1}
    assert (request.display_name, request.experiment_id) == ("a run", EXPERIMENT)
    assert (request.pipeline_root, request.service_account) == ("s3://b/r", "robot")


def test_a_spec_in_a_request_is_not_looked_into() -> None:
    spec = {"pipelineInfo": {"name": "x"}, "camelCase": {"stays": 1}}
    request = kfp.submit_request({"pipeline_spec": spec, "runtime_config": None})
    assert (request.pipeline_spec, request.pipeline, request.parameters) == (spec, None, {})


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"state": "RUNNING"}, "state", "unknown field 'state'"),
        ({"experiment_id": "x"}, "experiment_id", "experiment_id: Input should be a valid UUID"),
        ({"display_name": 3}, "display_name", "valid string"),
        ({"display_name": "x" * 256}, "display_name", "at most 255 characters"),
        ({"pipeline_spec": "text"}, "pipeline_spec", "valid dictionary"),
        ({"runtime_config": "text"}, "runtime_config", "runtime_config is not an object"),
        ({"runtime_config": {"parameters": [1]}}, "parameters", "valid dictionary"),
        (
            {"pipeline_version_reference": [1]},
            "pipeline_version_reference",
            "pipeline_version_reference is not an object",
        ),
        (
            {"pipeline_version_reference": {"pipeline_id": "x"}},
            "pipeline.pipeline_id",
            "valid UUID",
        ),
        ({"description": "a\0b"}, "", "description holds a NUL character"),
    ],
)
def test_a_faulty_request_names_its_field(body: Any, field: str, message: str) -> None:
    with pytest.raises(RejectedError) as caught:
        kfp.submit_request(body)
    rejection = caught.value.rejection
    assert rejection.code == RejectionCode.MALFORMED
    assert rejection.field == field
    assert message in rejection.message


def predicate(**fields: Any) -> str:
    return json.dumps({"predicates": [fields]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (predicate(operation=1, key="name", stringValue="x"), "x"),
        (predicate(operation="EQUALS", key="display_name", string_value="x y"), "x y"),
    ],
)
def test_the_filter_of_the_client(text: str, expected: str | None) -> None:
    assert kfp.name_filter(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not one predicate"),
        ("[]", "not one predicate"),
        ("{}", "not one predicate"),
        ("[" * 100_000, "not one predicate"),
        (predicate(key="name"), "not one predicate"),
        (json.dumps({"predicates": [{}, {}]}), "not one predicate"),
        (predicate(operation=2, key="name", stringValue="x"), "only EQUALS on the name"),
        (predicate(operation=1, key="state", stringValue="x"), "not state"),
        (predicate(operation=1, key="name"), "string_value is missing"),
        (predicate(operation=1, key="name", stringValue=3), "string_value is missing"),
    ],
)
def test_any_other_filter_is_refused(text: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        kfp.name_filter(text)
    assert caught.value.rejection.field == "filter"
