"""Writes the platform spec: the platform-specific settings of steps and of the pipeline."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.config import PipelineConfig
from headrace.graph.errors import InvalidTopologyException
from headrace.graph.names import channel_input
from headrace.ir import values
from headrace.ir.tasks import Scope

Json = dict[str, Any]


def add_settings(platforms: Json, settings: Mapping[str, Any], label: str, scope: Scope) -> None:
    """Add a step's settings under its executor's label, with references resolved in its DAG.

    Raises:
        InvalidTopologyException: A setting refers to an output that the step has no access to.
    """
    for platform, config in settings.items():
        _executors(platforms, platform)[label] = _in_scope(config, scope)


def _executors(platforms: Json, platform: str) -> Json:
    spec = platforms.setdefault(platform, {}).setdefault("deploymentSpec", {})
    executors: Json = spec.setdefault("executors", {})
    return executors


def _in_scope(value: Any, scope: Scope) -> Any:
    if isinstance(value, list):
        return [_in_scope(each, scope) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, dict):
        return value
    written = {key: _in_scope(each, scope) for key, each in value.items()}
    given = written.get("componentInputParameter")
    if given and given not in scope.parameters and channel_input(given) in scope.parameters:
        written["componentInputParameter"] = channel_input(given)
    made = written.get("taskOutputParameter")
    if made is not None and made.get("producerTask") not in scope.siblings:
        channel = PipelineParameterChannel(
            made["outputParameterKey"], "String", made["producerTask"]
        )
        name = channel_input(channel.full_name)
        if name not in scope.parameters:
            raise InvalidTopologyException(
                f"A platform setting refers to the output {channel.full_name!r}, which its task "
                "has no access to."
            )
        del written["taskOutputParameter"]
        written["componentInputParameter"] = name
    return written


def add_platforms(platforms: Json, others: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Add the settings of a pipeline that is used as a component, under its steps' new labels.

    Settings of that pipeline as a whole do not apply to the outer pipeline.
    """
    for platform, spec in others.items():
        platforms.setdefault(platform, {})
        for label, config in spec.get("deploymentSpec", {}).get("executors", {}).items():
            _executors(platforms, platform)[labels.get(label, label)] = copy.deepcopy(config)


def add_config(platforms: Json, config: PipelineConfig) -> None:
    """Add the settings of the whole pipeline."""
    written = config.to_dict()
    if written:
        volume = written.get("workspace", {}).get("kubernetes", {})
        if "pvcSpecPatch" in volume:
            volume["pvcSpecPatch"] = values.to_struct(volume["pvcSpecPatch"])
        platforms.setdefault("kubernetes", {})["pipelineConfig"] = written
