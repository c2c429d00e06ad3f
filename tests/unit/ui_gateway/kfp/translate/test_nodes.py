"""Tasks that KFP's clients call nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.messages.events import PipelineIdentity
from headrace_contracts.resources import Run
from headrace_contracts.resources import Task as TaskResource
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Artifact, Outputs
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.kfp.translate.nodes import node_of, output_uri

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN, TASK, EXPERIMENT = (UUID(int=n) for n in (1, 2, 3))


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


def test_a_node_is_a_task_by_id_or_unique_name() -> None:
    twins = [a_task(task_id=UUID(int=30 + n), name="print", display_name="Print") for n in (0, 1)]
    found = a_run(tasks=(a_task(), *twins))
    for node in (str(TASK), "train", "Train"):
        assert node_of(found, node).task_id == TASK
    assert node_of(found, str(UUID(int=31))).task_id == UUID(int=31)
    with pytest.raises(RejectedError, match="2 tasks are named 'print'"):
        node_of(found, "print")
    with pytest.raises(RejectedError, match="no task 'nobody'"):
        node_of(found, "nobody")


def test_the_uri_of_an_output() -> None:
    data = Artifact(name="data", uri="s3://b/d")
    assert output_uri(a_task(outputs=Outputs(artifacts={"data": (data,)})), "data") == "s3://b/d"
    assert output_uri(a_task(), "data") is None
