"""The importer: a task that imports an existing artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.authoring.components import ImporterComponent
from headrace.graph.channels import PipelineParameterChannel, channels_in
from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import InputValuePlaceholder
from headrace.graph.interfaces.specs import ComponentSpec, Importer, InputSpec, OutputSpec
from headrace.graph.names import unique
from headrace.graph.task import PipelineTask
from headrace.step.artifacts import Artifact


def importer(
    artifact_uri: Any,
    artifact_class: type[Artifact],
    reimport: bool = False,
    metadata: Mapping[str, Any] | None = None,
    download_to_workspace: bool = False,
) -> PipelineTask:
    """Import an artifact, which is the task's only output.

    Args:
        artifact_uri: Where the artifact is; can be a channel.
        artifact_class: The artifact's class.
        reimport: Whether to create a new artifact when the URI was imported before.
        metadata: The artifact's metadata; can contain channels.
        download_to_workspace: Whether to download the artifact to the run's workspace, which the
            pipeline must have.

    Raises:
        TypeError: The URI is neither a string nor a parameter.
    """
    given: dict[str, Any] = {}
    names: dict[str, str] = {}
    inputs = {"uri": InputSpec("String")}

    def placeholder(channel: Any) -> str:
        if channel.pattern not in names:
            name = names[channel.pattern] = unique("metadata", given)
            given[name] = channel
            inputs[name] = InputSpec(channel.channel_type)
        return InputValuePlaceholder(names[channel.pattern]).to_text()

    def without_channels(value: Any) -> Any:
        if isinstance(value, PipelineParameterChannel):
            return placeholder(value)
        if isinstance(value, dict):
            return {without_channels(k): without_channels(v) for k, v in value.items()}
        if isinstance(value, list):
            return [without_channels(each) for each in value]
        if isinstance(value, str):
            for channel in channels_in(value):
                value = value.replace(channel.pattern, placeholder(channel))
        return value

    kind = types.bundle(artifact_class.schema_title, artifact_class.schema_version)
    spec = ComponentSpec(
        name="importer",
        importer=Importer(
            schema=kind,
            reimport=reimport,
            metadata=without_channels(metadata),
            download_to_workspace=download_to_workspace,
            artifact_uri=artifact_uri,
        ),
        inputs=inputs,
        outputs={"artifact": OutputSpec(kind)},
    )
    return ImporterComponent(spec)(uri=artifact_uri, **given)
