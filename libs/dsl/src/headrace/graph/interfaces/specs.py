"""The model of a component: its inputs, its outputs, and how it is executed.

Plain data: the authoring API creates it, the compiler writes it as IR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import (
    ArtifactInCommand,
    CommandLineElement,
    ConcatPlaceholder,
    IfPresentPlaceholder,
    InputPathPlaceholder,
    InputPlaceholder,
    InputUriPlaceholder,
    InputValuePlaceholder,
    OutputPlaceholder,
    OutputUriPlaceholder,
    element_text,
)
from headrace.graph.names import kubernetes_name


@dataclass
class InputSpec:
    """An input. An optional input can be omitted; its default can be None.

    Raises:
        TypeError: The type is neither a parameter type nor an artifact type.
        ValueError: It has a default and is not optional.
    """

    type: Any
    default: Any = None
    optional: bool = False
    is_artifact_list: bool = False
    description: str | None = None

    def __post_init__(self) -> None:
        types.check_spec_type(self.type)
        if self.default is not None and not self.optional:
            raise ValueError(
                f"An input with a default must be optional. Got the default {self.default!r}."
            )


@dataclass
class OutputSpec:
    """An output.

    Raises:
        TypeError: The type is neither a parameter type nor an artifact type.
    """

    type: Any
    is_artifact_list: bool = False
    description: str | None = None

    def __post_init__(self) -> None:
        types.check_spec_type(self.type)


@dataclass
class ContainerSpec:
    """The return value of a container component's function."""

    image: str
    """The container image."""
    command: list[CommandLineElement] | None = None
    """The entry point."""
    args: list[CommandLineElement] | None = None
    """The arguments of the entry point."""


@dataclass
class ResourceSpec:
    """A step's resource requests and limits: Kubernetes quantities, or patterns of channels."""

    cpu_request: str | None = None
    cpu_limit: str | None = None
    memory_request: str | None = None
    memory_limit: str | None = None
    accelerator_type: str | None = None
    accelerator_count: str | None = None


@dataclass
class Container:
    """The container that executes a step."""

    image: str
    command: list[Any] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)
    env: dict[str, Any] = field(default_factory=dict)
    resources: ResourceSpec | None = None

    def copy(self) -> Container:
        """A copy for one task, with placeholders converted to their texts in the IR."""
        return Container(
            image=self.image,
            command=[element_text(each) for each in self.command],
            args=[element_text(each) for each in self.args],
            env=dict(self.env),
        )


@dataclass
class Importer:
    """How an existing artifact is imported."""

    schema: str
    reimport: bool
    metadata: Mapping[str, Any] | None
    download_to_workspace: bool
    artifact_uri: Any = None


@dataclass
class RetryPolicy:
    """How often a task is retried, and the delays between attempts."""

    max_retry_count: int | None = None
    backoff_duration: str | None = None
    backoff_factor: float | None = None
    backoff_max_duration: str | None = None


@dataclass
class ComponentSpec:
    """A component. Exactly one of `container`, `importer` and `graph` defines its execution.

    Raises:
        ValueError: A command refers to an input or output that does not exist.
        TypeError: A command has an element that is neither a string nor a placeholder.
    """

    name: str
    inputs: dict[str, InputSpec] = field(default_factory=dict)
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    description: str | None = None
    container: Container | None = None
    importer: Importer | None = None
    graph: dict[str, Any] | None = None
    """The IR of a pipeline."""
    platform: dict[str, Any] = field(default_factory=dict)
    """The platform spec that belongs to `graph`."""
    task_config_passthroughs: Sequence[Any] = ()

    def __post_init__(self) -> None:
        self.name = kubernetes_name(self.name)
        self.check_command()

    def check_command(self) -> None:
        """Check the elements of the command and the inputs and outputs that they refer to."""
        if self.container is not None:
            for element in [*self.container.command, *self.container.args]:
                self._check_element(element)

    def _check_element(self, element: Any) -> None:
        if isinstance(element, ArtifactInCommand):
            raise ValueError(
                "Cannot access artifact by itself in the container definition. Use its .uri or "
                ".path instead."
            )
        if isinstance(element, (InputPlaceholder, IfPresentPlaceholder)):
            if element.input_name not in self.inputs:
                raise ValueError(
                    f"{type(element).__name__} references nonexistent input: "
                    f"{element.input_name!r}."
                )
        elif isinstance(element, OutputPlaceholder):
            if element.output_name not in self.outputs:
                raise ValueError(
                    f"{type(element).__name__} references nonexistent output: "
                    f"{element.output_name!r}."
                )
        elif not isinstance(element, (str, ConcatPlaceholder)):
            raise TypeError(
                f"Unexpected argument {element!r} of type {type(element)} in the command of "
                f"{self.name!r}: an element must be a string or a placeholder."
            )
        for part in _parts(element):
            self._check_element(part)

    def check_placeholder_kinds(self) -> None:
        """Check that the command uses values of parameters, and paths and URIs of artifacts.

        Raises:
            TypeError: It uses the value of an artifact, or the path or URI of a parameter.
        """
        if self.container is not None:
            for element in [*self.container.command, *self.container.args]:
                self._check_kind(element)

    def _check_kind(self, element: Any) -> None:
        direction, name, of_parameter = "Input", "", False
        if isinstance(element, InputValuePlaceholder):
            name, of_parameter = element.input_name, True
        elif isinstance(element, (InputUriPlaceholder, InputPathPlaceholder)):
            name = element.input_name
        elif isinstance(element, OutputUriPlaceholder):
            direction, name = "Output", element.output_name
        if name:
            spec = (self.inputs if direction == "Input" else self.outputs)[name]
            if types.is_parameter(spec.type) != of_parameter:
                raise TypeError(
                    f'{direction} "{name}" with type "{spec.type}" cannot be paired with '
                    f"{type(element).__name__}."
                )
        for part in _parts(element):
            self._check_kind(part)


def _parts(element: Any) -> list[Any]:
    if isinstance(element, IfPresentPlaceholder):
        return list(element.elements())
    return list(element.items) if isinstance(element, ConcatPlaceholder) else []
