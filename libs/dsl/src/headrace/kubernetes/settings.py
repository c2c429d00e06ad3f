"""How settings of Kubernetes are noted on a task, in the JSON of the platform spec."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.ir import values

Json = dict[str, Any]


def of_task(task: PipelineTask) -> Json:
    """The task's settings of Kubernetes, to be changed in place."""
    noted: Json = task.platform_config.setdefault("kubernetes", {})
    return noted


def entries(task: PipelineTask, key: str) -> list[Json]:
    """The task's list of settings of one kind, to be changed in place."""
    noted: list[Json] = of_task(task).setdefault(key, [])
    return noted


def parameter(value: Any, task: PipelineTask) -> Json:
    """Where a setting's value comes from: a constant, or a channel, which the task then uses.

    Raises:
        ValueError: it is neither a text, a dict, nor a parameter.
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
        "A setting is a str, a dict or an output or input that is a parameter. Got: "
        f"{value!r} of type {type(value)!r}."
    )


def text(value: Any, name: str) -> str:
    """Check that an argument is a text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str. Got: {value!r} of type {type(value).__name__}.")
    return value


def integer(value: Any, name: str) -> int:
    """Check that an argument is an int.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is an int. Got: {value!r} of type {type(value).__name__}.")
    return value


def filled(**fields: Any) -> Json:
    """The fields that are not empty."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def named(key: str, name: Any, task: PipelineTask) -> Json:
    """The name of an object, as a parameter, and as a text for backends that know only that."""
    written: Json = {f"{key}Parameter": parameter(name, task)}
    if isinstance(name, str) and name:
        written[key] = name
    return written


def environment(mapping: dict[str, str], key: str) -> list[Json] | None:
    """Which keys go into which environment variables."""
    return [
        filled(**{key: text(k, "key"), "envVar": text(v, "variable")}) for k, v in mapping.items()
    ]
