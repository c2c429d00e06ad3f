"""Resolution of a task's inputs."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import FailureCode
from headrace_contracts.states import TaskState
from headrace_contracts.values import Inputs

from tests.support.submissions import RUN_ID
from tests.unit.scheduler.runs import STRING, component, constant, play, spec, task

USE = "root/use"


def resolve(
    definitions: dict[str, Any], bound: dict[str, Any], fails: str = "", **submission: Any
) -> Inputs:
    """The inputs of the task ``use``, which depends on a task ``make`` with the output 7.0."""
    document = spec(
        {"make": task("make"), "use": task("use", bound, after=["make"])},
        {
            "make": component(outputs={"n": {"parameterType": "NUMBER_INTEGER"}}),
            "use": component(definitions),
        },
        inputs={"p": {"parameterType": "STRING", "isOptional": True}},
    )
    played = play(document, {"root/make": {"n": 7.0}}, **submission)
    record = played.record(USE)
    if fails:
        assert record.state is TaskState.FAILED
        assert record.failure is not None
        assert record.failure.code is FailureCode.INPUT_INVALID
        assert fails in record.failure.message
        return Inputs()
    return played.launches[USE].inputs


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
def test_a_constant_is_converted_to_its_type(
    parameter_type: str, value: Any, expected: Any
) -> None:
    got = resolve({"x": {"parameterType": parameter_type}}, {"x": constant(value)})
    assert got.parameters == {"x": expected}
    assert type(got.parameters["x"]) is type(expected)


def test_a_value_of_another_type_is_rejected_with_the_name_of_the_input() -> None:
    bound = {"x": {"componentInputParameter": "p"}}
    says = "input parameter 'x': expected an integer"
    resolve({"x": {"parameterType": "NUMBER_INTEGER"}}, bound, says, parameters={"p": "7"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{$.pipeline_job_uuid}}", str(RUN_ID)),
        ("run-{{$.pipeline_job_uuid}}!", f"run-{RUN_ID}!"),
        ("{{$.pipeline_job_name}}", "a run"),
        ("{{$.pipeline_task_name}}", "use"),
        ("{{$.pipeline_job_create_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.workspace_path}}/a", "{{$.workspace_path}}/a"),
        ("n={{$.inputs.parameters['pipelinechannel--make-n']}}.", "n=7."),
        ("p={{$.inputs.parameters['pipelinechannel--p']}}", 'p={{$.pipeline_job_name}} "q"'),
    ],
)
def test_placeholders_are_replaced_once(text: str, expected: str) -> None:
    bound = {
        "x": constant(text),
        "pipelinechannel--make-n": {
            "taskOutputParameter": {"producerTask": "make", "outputParameterKey": "n"}
        },
        "pipelinechannel--p": {"componentInputParameter": "p"},
    }
    got = resolve({"x": STRING}, bound, parameters={"p": '{{$.pipeline_job_name}} "q"'})
    assert got.parameters == {"x": expected}


def test_the_resource_name_starts_with_the_name_of_the_pipeline() -> None:
    got = resolve({"x": STRING}, {"x": constant("{{$.pipeline_job_resource_name}}")})
    assert got.parameters["x"].startswith("graph-")


def test_an_absent_optional_value_stays_absent() -> None:
    optional = {"parameterType": "STRING", "isOptional": True}
    assert resolve({"x": optional}, {"x": {"componentInputParameter": "p"}}).parameters == {}


def test_a_missing_required_value_is_named() -> None:
    bound = {"x": {"componentInputParameter": "p"}}
    resolve({"x": STRING}, bound, "required input parameter 'x' has no value")


def test_a_constant_that_refers_to_itself_is_rejected() -> None:
    text = "{{$.inputs.parameters['x']}}"
    resolve({"x": STRING}, {"x": constant(text)}, "refers to itself")


def test_a_selector_picks_from_a_value() -> None:
    bound = {
        "x": {
            "componentInputParameter": "p",
            "parameterExpressionSelector": 'parseJson(string_value)["A_a"]',
        }
    }
    got = resolve({"x": STRING}, bound, parameters={"p": '{"A_a": {"b": 1.0}}'})
    assert got.parameters == {"x": '{"b":1}'}
    resolve({"x": STRING}, bound, "input parameter 'x'", parameters={"p": "[]"})
