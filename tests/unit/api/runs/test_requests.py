"""Submit requests: sources, reruns, deadlines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace_api.runs.rules.requests import (
    check_rerun_tasks,
    deadline,
    included_document,
    rerun_request,
)
from headrace_contracts.ir.parse import parse_document
from headrace_contracts.messages.commands import PipelineReference, SubmitRun
from headrace_contracts.messages.events import Rerun
from headrace_runtime.errors import RejectedError

from tests.support.graphs import shell_document, shell_pipeline
from tests.support.submissions import submitted


def test_the_deadline_is_the_requests_or_else_the_pipelines() -> None:
    config = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": 90}}}}
    document = parse_document([shell_pipeline({"a": []}), config])
    assert deadline(document, SubmitRun()) == 90
    assert deadline(document, SubmitRun(deadline_seconds=5)) == 5
    assert deadline(shell_document({"a": []}), SubmitRun()) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rerun": Rerun(run_id=UUID(int=1)), "package": "x"},
        {"pipeline": PipelineReference(name="p"), "pipeline_spec": {}},
    ],
)
def test_exactly_one_source_is_required(fields: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="exactly one of"):
        included_document(SubmitRun(**fields))


def test_a_rerun_takes_missing_fields_from_the_earlier_run() -> None:
    earlier = submitted(parameters={"a": 1, "b": 2}, service_account="s", pipeline_root="r")
    request = SubmitRun(rerun=Rerun(run_id=earlier.run_id), parameters={"b": 3})
    found = rerun_request(request, earlier)
    assert found.parameters == {"a": 1, "b": 3}
    assert (found.service_account, found.pipeline_root) == ("s", "r")
    assert found.display_name == "Rerun of a run"
    assert found.experiment_id == earlier.experiment_id


def test_the_experiment_of_the_request_wins() -> None:
    request = SubmitRun(rerun=Rerun(run_id=UUID(int=1)), experiment="other")
    assert rerun_request(request, submitted()).experiment_id is None


def test_tasks_of_a_rerun_must_be_in_the_spec() -> None:
    document = shell_document({"a": [], "b": ["a"]})
    check_rerun_tasks(document, ("root/a", "root/b"))
    for path in ("root", "root/c", "a", ""):
        with pytest.raises(RejectedError, match="one of these tasks: a, b"):
            check_rerun_tasks(document, (path,))
