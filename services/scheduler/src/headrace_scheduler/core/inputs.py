"""A task's inputs, resolved: constants with their placeholders, pipeline inputs, task outputs.

Source of the placeholder names: `kfp.dsl.placeholders` of the KFP SDK. A text is resolved in one
pass, so a value that happens to look like a placeholder stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from headrace_contracts.ids import task_id
from headrace_contracts.ir.models import TaskInputArtifact, TaskInputParameter
from headrace_contracts.ir.parameters import ParameterError, fit, whole_numbers
from headrace_contracts.values import Artifact, Inputs, Outputs

from headrace_scheduler.core.plan import TaskPlan
from headrace_scheduler.core.run import Run

_PLACEHOLDER = re.compile(
    r"\{\{\$\.(?:inputs\.parameters\[(?:'([^']*)'|\"([^\"]*)\")\]|([a-z_]+))\}\}"
)


class InputError(ValueError):
    """An input cannot be resolved; the message names it."""


OutputsOf = Callable[[str], Outputs]


def resolve_inputs(run: Run, task: TaskPlan, outputs_of: OutputsOf) -> Inputs:
    """What the task gets, `outputs_of` giving a task's outputs by name. An optional input without
    a value is absent.

    Raises:
        InputError: a required value is missing, or does not fit its type.
    """
    definitions = task.component.input_definitions
    bound = task.task.inputs
    resolver = _Resolver(run, task, outputs_of)
    parameters: dict[str, Any] = {}
    for name, source in bound.parameters.items():
        value = resolver.parameter(name, source)
        definition = definitions.parameters.get(name)
        if value is None or definition is None:
            continue  # an undeclared channel only serves the constants that refer to it
        try:
            parameters[name] = fit(value, definition.parameter_type)
        except ParameterError as error:
            raise InputError(f"input parameter {name!r}: {error}") from None
    for name, definition in definitions.parameters.items():
        optional = definition.is_optional or definition.default_value is not None
        if name not in parameters and not optional:
            raise InputError(f"the required input parameter {name!r} has no value")
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    for name, origin in bound.artifacts.items():
        found = resolver.artifacts(origin)
        if found:
            artifacts[name] = found
        elif not definitions.artifacts[name].is_optional:
            raise InputError(f"the required input artifact {name!r} was not made")
    return Inputs(parameters=parameters, artifacts=artifacts)


class _Resolver:
    """Resolves the inputs of one task; remembers what it is resolving, to see a cycle."""

    def __init__(self, run: Run, task: TaskPlan, outputs_of: OutputsOf) -> None:
        self._run = run
        self._task = task
        self._outputs_of = outputs_of
        self._texts = _pipeline_placeholders(run, task)
        self._open: list[str] = []

    def parameter(self, name: str, source: TaskInputParameter) -> Any:
        """The value of one input, None where there is none."""
        if source.component_input_parameter is not None:
            return self._run.submission.parameters.get(source.component_input_parameter)
        if source.task_output_parameter is not None:
            produced = source.task_output_parameter
            outputs = self._outputs_of(produced.producer_task)
            return outputs.parameters.get(produced.output_parameter_key)
        if source.runtime_value is None:
            return None
        if name in self._open:
            raise InputError(f"input parameter {name!r} refers to itself")
        self._open.append(name)
        value = self._fill(whole_numbers(source.runtime_value.constant))
        self._open.pop()
        return value

    def artifacts(self, source: TaskInputArtifact) -> tuple[Artifact, ...]:
        """The artifacts of one input, none where there are none."""
        if source.task_output_artifact is None:
            return ()
        produced = source.task_output_artifact
        outputs = self._outputs_of(produced.producer_task)
        return outputs.artifacts.get(produced.output_artifact_key, ())

    def _fill(self, value: Any) -> Any:
        match value:
            case str():
                return _PLACEHOLDER.sub(self._replacement, value)
            case list():
                return [self._fill(item) for item in value]
            case dict():
                return {key: self._fill(item) for key, item in value.items()}
            case _:
                return value

    def _replacement(self, match: re.Match[str]) -> str:
        channel = match[1] or match[2]
        if channel is None:
            return self._texts.get(match[3], match[0])
        source = self._task.task.inputs.parameters.get(channel)
        if source is None:
            raise InputError(f"a constant refers to the input {channel!r}, which is not given")
        value = self.parameter(channel, source)
        return "" if value is None else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(whole_numbers(value), separators=(",", ":"), ensure_ascii=False)


def _pipeline_placeholders(run: Run, task: TaskPlan) -> Mapping[str, str]:
    submission = run.submission
    created = submission.submitted_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "pipeline_job_name": submission.display_name,
        "pipeline_job_resource_name": resource_name(run),
        "pipeline_job_uuid": str(submission.run_id),
        "pipeline_job_create_time_utc": created,
        "pipeline_job_schedule_time_utc": created,
        "pipeline_root": submission.pipeline_root or run.plan.default_pipeline_root or "",
        "pipeline_task_name": task.name,
        "pipeline_task_uuid": str(task_id(submission.run_id, task.path)),
    }


def resource_name(run: Run) -> str:
    """The run's name as a resource: the pipeline's name and a suffix of the run's own."""
    return f"{run.plan.pipeline_name}-{run.submission.run_id.hex[-5:]}"
