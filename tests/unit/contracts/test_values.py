"""States, values and the JSON of a contract."""

from __future__ import annotations

import json

import pytest
from headrace_contracts.resources import Problem
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Artifact, ArtifactType


def test_final_states() -> None:
    assert {s for s in RunState if s.final} == {"SUCCEEDED", "FAILED", "CANCELED"}
    assert {s for s in TaskState if s.final} == {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"}


def test_absent_values_are_omitted_in_json() -> None:
    problem = Problem(title="Not Found", status=404, detail="no run", code="NOT_FOUND")
    assert json.loads(problem.to_json()) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no run",
        "code": "NOT_FOUND",
    }


@pytest.mark.parametrize(
    "written",
    [
        {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
        {"schema_title": "system.Model", "schema_version": "0.0.1"},
    ],
)
def test_an_artifact_type_is_parsed_in_both_spellings_and_written_as_in_the_ir(
    written: dict[str, str],
) -> None:
    artifact = Artifact(name="m", uri="s3://b/m", type=ArtifactType.model_validate(written))
    assert json.loads(artifact.to_json())["type"] == {
        "schemaTitle": "system.Model",
        "schemaVersion": "0.0.1",
    }


def test_a_null_inside_a_value_is_kept() -> None:
    artifact = Artifact(name="m", uri="u", metadata={"best": None, "at": [None, 1]})
    assert json.loads(artifact.to_json())["metadata"] == {"best": None, "at": [None, 1]}
