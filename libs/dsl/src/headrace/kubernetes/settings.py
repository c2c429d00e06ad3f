"""Stores Kubernetes settings on a task, as JSON of the platform spec."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.ir import values

Json = dict[str, Any]


def of_task(task: PipelineTask) -> Json:
    """The task's Kubernetes settings, to be changed in place."""
    stored: Json = task.platform_config.setdefault("kubernetes", {})
    return stored


def list_of(task: PipelineTask, key: str) -> list[Json]:
    """The task's list of one kind of settings, to be changed in place."""
    stored: list[Json] = of_task(task).setdefault(key, [])
    return stored


def value_source(value: Any, task: PipelineTask) -> Json:
    """The source of a setting's value: a constant, or a channel, which the task depends on then.

    Raises:
        ValueError: The value is neither a str, a dict, nor a parameter.
    """
    if isinstance(value, PipelineParameterChannel):
        task.register_pipeline_channels([value])
        if value.task_name is None:
            return {"componentInputParameter": value.full_name}
        if value.task is not None:
            task.after(value.task)
        return {
            "taskOutputParameter": {
                "producerTask": value.task_name,
                "outputParameterKey": value.name,
            }
        }
    if isinstance(value, (str, dict)):
        return {"runtimeValue": {"constant": values.to_value(value)}}
    raise ValueError(
        "A setting must be a str, a dict, or an input or output that is a parameter. Got: "
        f"{value!r} of type {type(value)!r}."
    )


def check_str(value: Any, name: str) -> str:
    """Return an argument after checking that it is a str.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str. Got: {value!r} of type {type(value).__name__}.")
    return value


def check_int(value: Any, name: str) -> int:
    """Return an argument after checking that it is an int.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int. Got: {value!r} of type {type(value).__name__}.")
    return value


def without_empty(**fields: Any) -> Json:
    """The fields without those that are None or empty."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def object_name(key: str, name: Any, task: PipelineTask) -> Json:
    """The name of a Kubernetes object: as a parameter, and as a constant for older backends."""
    written: Json = {f"{key}Parameter": value_source(name, task)}
    if isinstance(name, str) and name:
        written[key] = name
    return written


def keys_to_env(mapping: dict[str, str], key: str) -> list[Json]:
    """The environment variables for the keys of a Secret or ConfigMap."""
    return [
        without_empty(**{key: check_str(k, "key"), "envVar": check_str(v, "variable")})
        for k, v in mapping.items()
    ]
