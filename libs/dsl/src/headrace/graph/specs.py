"""The model of a component: what it takes, what it makes, and how it is executed.

Plain data. The authoring API fills it, the compiler writes it as IR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.graph import types
from headrace.graph.names import kubernetes_name
from headrace.graph.placeholders import (
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


@dataclass
class InputSpec:
    """An input. It is optional when it may be missing; the default may then be None.

    Raises:
        TypeError: the type is neither a parameter's nor an artifact's.
        ValueError: it has a default and is not optional.
    """

    type: Any
    default: Any = None
    optional: bool = False
    is_artifact_list: bool = False
    description: str | None = None

    def __post_init__(self) -> None:
        types.check_spec_type(self.type)
        if self.default is not None and not self.optional:
            raise ValueError("An input with a default is optional.")


@dataclass
class OutputSpec:
    """An output.

    Raises:
        TypeError: the type is neither a parameter's nor an artifact's.
    """

    type: Any
    is_artifact_list: bool = False
    description: str | None = None

    def __post_init__(self) -> None:
        types.check_spec_type(self.type)


@dataclass
class ContainerSpec:
    """What a container component's function returns."""

    image: str
    """The container image."""
    command: list[CommandLineElement] | None = None
    """Its entry point."""
    args: list[CommandLineElement] | None = None
    """The arguments of its entry point."""


@dataclass
class ResourceSpec:
    """What a step asks for and may use at most; Kubernetes quantities, or a channel's pattern."""

    cpu_request: str | None = None
    cpu_limit: str | None = None
    memory_request: str | None = None
    memory_limit: str | None = None
    accelerator_type: str | None = None
    accelerator_count: str | None = None


@dataclass
class Container:
    """How a step is executed in a container."""

    image: str
    command: list[Any] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)
    env: dict[str, Any] = field(default_factory=dict)
    resources: ResourceSpec | None = None

    def copy(self) -> Container:
        """Its own copy for one task, with the commands as the IR has them."""
        return Container(
            image=self.image,
            command=[element_text(each) for each in self.command],
            args=[element_text(each) for each in self.args],
            env=dict(self.env),
        )


@dataclass
class Importer:
    """How an artifact is brought in from outside."""

    schema: str
    reimport: bool
    metadata: Mapping[str, Any] | None
    download_to_workspace: bool
    artifact_uri: Any = None


@dataclass
class RetryPolicy:
    """How often a task is tried anew, and how long is waited in between."""

    max_retry_count: int | None = None
    backoff_duration: str | None = None
    backoff_factor: float | None = None
    backoff_max_duration: str | None = None


@dataclass
class ComponentSpec:
    """A component. Exactly one of `container`, `importer` and `graph` says how it is executed.

    Raises:
        ValueError: a command names an input or output that there is not.
        TypeError: a command holds what is neither a text nor a placeholder.
    """

    name: str
    inputs: dict[str, InputSpec] = field(default_factory=dict)
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    description: str | None = None
    container: Container | None = None
    importer: Importer | None = None
    graph: dict[str, Any] | None = None
    """The IR of a pipeline that is used as a component."""
    platform: dict[str, Any] = field(default_factory=dict)
    """The platform spec that belongs to `graph`."""
    task_config_passthroughs: Sequence[Any] = ()

    def __post_init__(self) -> None:
        self.name = kubernetes_name(self.name)
        self.check_command()

    def check_command(self) -> None:
        """Check that what the command names is there."""
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
                f"{self.name!r}: an element is a text or a placeholder."
            )
        for part in _parts(element):
            self._check_element(part)

    def check_placeholder_kinds(self) -> None:
        """Check that values are taken of parameters, and paths and URIs of artifacts.

        Raises:
            TypeError: one is taken of the other.
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
