"""How a task's inputs are resolved."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.ir.parse import parse_document
from headrace_contracts.values import Inputs, Outputs
from headrace_scheduler.core.inputs import InputError, resolve_inputs
from headrace_scheduler.core.plan import plan
from headrace_scheduler.core.run import Run

from tests.support.submissions import RUN_ID, submitted


def resolve(definitions: dict[str, Any], bound: dict[str, Any], **submission: Any) -> Inputs:
    """The inputs of the task ``use``, which stands behind a task ``make``."""
    spec = {
        "pipelineInfo": {"name": "graph"},
        "schemaVersion": "2.1.0",
        "root": {
            "inputDefinitions": {
                "parameters": {"p": {"parameterType": "STRING", "isOptional": True}}
            },
            "dag": {
                "tasks": {
                    "make": {"componentRef": {"name": "comp-make"}},
                    "use": {
                        "componentRef": {"name": "comp-use"},
                        "dependentTasks": ["make"],
                        "inputs": {"parameters": bound},
                    },
                }
            },
        },
        "components": {
            "comp-make": {
                "executorLabel": "exec",
                "outputDefinitions": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}},
            },
            "comp-use": {
                "executorLabel": "exec",
                "inputDefinitions": {"parameters": definitions},
            },
        },
        "deploymentSpec": {"executors": {"exec": {"container": {"command": ["true"]}}}},
    }
    planned = plan(parse_document([spec]))
    run = Run.fresh(submitted(**submission), planned)
    outputs = {"make": Outputs(parameters={"n": 7.0})}
    return resolve_inputs(run, planned.tasks["use"], lambda name: outputs[name])


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


STRING = {"parameterType": "STRING"}


@pytest.mark.parametrize(
    ("parameter_type", "value", "expected"),
    [
        ("STRING", "text", "text"),
        ("STRING", 3.0, "3"),
        ("STRING", {"a": [1.0]}, '{"a":[1]}'),
        ("NUMBER_INTEGER", 3.0, 3),
        ("NUMBER_DOUBLE", 0.5, 0.5),
        ("BOOLEAN", False, False),
        ("LIST", [1.0, {"b": 2.0}], [1, {"b": 2}]),
        ("STRUCT", {"a": 1.0}, {"a": 1}),
    ],
)
def test_a_constant_is_brought_to_its_type(parameter_type: str, value: Any, expected: Any) -> None:
    got = resolve({"x": {"parameterType": parameter_type}}, {"x": constant(value)})
    assert got.parameters == {"x": expected}
    assert type(got.parameters["x"]) is type(expected)


def test_a_value_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="input parameter 'x': expected a whole number"):
        resolve({"x": {"parameterType": "NUMBER_INTEGER"}}, {"x": constant("7")})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{$.pipeline_job_uuid}}", str(RUN_ID)),
        ("run-{{$.pipeline_job_uuid}}!", f"run-{RUN_ID}!"),
        ("{{$.pipeline_job_name}}", "a run"),
        ("{{$.pipeline_task_name}}", "use"),
        ("{{$.pipeline_job_create_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.unheard_of}}", "{{$.unheard_of}}"),
        ("n={{$.inputs.parameters['pipelinechannel--make-n']}}.", "n=7."),
        ("p={{$.inputs.parameters['pipelinechannel--p']}}", 'p={{$.pipeline_job_name}} "q"'),
    ],
)
def test_placeholders_are_replaced_once(text: str, expected: str) -> None:
    got = resolve(
        {"x": STRING},
        {
            "x": constant(text),
            "pipelinechannel--make-n": {
                "taskOutputParameter": {"producerTask": "make", "outputParameterKey": "n"}
            },
            "pipelinechannel--p": {"componentInputParameter": "p"},
        },
        parameters={"p": '{{$.pipeline_job_name}} "q"'},
    )
    assert got.parameters == {"x": expected}


def test_the_resource_name_starts_with_the_pipelines() -> None:
    got = resolve({"x": STRING}, {"x": constant("{{$.pipeline_job_resource_name}}")})
    assert got.parameters["x"].startswith("graph-")


def test_an_absent_optional_value_stays_absent() -> None:
    optional = {"parameterType": "STRING", "isOptional": True}
    got = resolve({"x": optional}, {"x": {"componentInputParameter": "p"}})
    assert got.parameters == {}


def test_an_absent_required_value_is_named() -> None:
    with pytest.raises(InputError, match="required input parameter 'x' has no value"):
        resolve({"x": STRING}, {"x": {"componentInputParameter": "p"}})


def test_a_constant_that_refers_to_itself_is_refused() -> None:
    with pytest.raises(InputError, match="refers to itself"):
        resolve({"x": STRING}, {"x": constant("{{$.inputs.parameters['x']}}")})
