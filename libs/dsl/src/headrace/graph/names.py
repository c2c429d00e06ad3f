"""Naming rules of tasks, components, executors, inputs and pipelines."""

from __future__ import annotations

import re
from collections.abc import Container

_NOT_ALLOWED = re.compile("[^-0-9a-z]+")
_DASHES = re.compile("-+")
_NOT_IN_INPUT = re.compile("[^_0-9a-z]+")
_PIPELINE = re.compile(r"^[a-z0-9][a-z0-9-]{0,127}$")


def kubernetes_name(name: str) -> str:
    """`name` in lower case, with dashes for characters that a Kubernetes name cannot contain."""
    return _DASHES.sub("-", _NOT_ALLOWED.sub("-", name.lower())).strip("-")


def input_name(name: str) -> str:
    """The Python name of an input of a version 1 component, whose names can have spaces and upper
    case."""
    return _NOT_IN_INPUT.sub("_", name.lower()).strip("_")


def component_key(name: str) -> str:
    """The key of a component in the IR."""
    return "comp-" + kubernetes_name(name)


def executor_label(name: str) -> str:
    """The label of an executor in the IR."""
    return "exec-" + kubernetes_name(name)


def channel_input(full_name: str) -> str:
    """The name of the input that the compiler adds to a group or task for a channel."""
    return "pipelinechannel--" + full_name


def unique(name: str, taken: Container[str]) -> str:
    """`name`, with the suffix -2, -3, ... when it is already taken."""
    if name not in taken:
        return name
    count = 2
    while f"{name}-{count}" in taken:
        count += 1
    return f"{name}-{count}"


def check_pipeline_name(name: str) -> None:
    """Check the name of a pipeline.

    Raises:
        ValueError: It is not 1 to 128 lower-case letters, digits and dashes, or starts with a dash.
    """
    if not _PIPELINE.match(name):
        raise ValueError(
            f"Invalid pipeline name: {name}.\nA pipeline's name has 1 to 128 lower-case letters, "
            "digits and dashes, and starts with a letter or digit. Set it with "
            "`dsl.pipeline(name=...)`."
        )
