"""`dsl.ContainerOp`, whose command can contain parameters and outputs of other ops."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.graph.channels import PipelineChannel, channels_in, replace_in
from headrace.graph.names import input_name, unique
from headrace.v1 import refused
from headrace.v1.argo_placeholders import translate
from headrace.v1.ops.command import Argument, InputFile, constant_text, value_placeholder
from headrace.v1.ops.draft import Draft
from headrace.v1.ops.op import BaseOp
from headrace.v1.ops.outputs import METRICS, UI_FILES, UI_METADATA

_RUN_PLACEHOLDER = re.compile(r"\{\{\$\.(pipeline_\w+)\}\}")
_OUTPUT_TYPES = {UI_METADATA: "UI metadata", METRICS: "Metrics"}


class InputArgumentPath:
    """An argument of an op that is replaced by the path of a file with a value.

    Args:
        argument: The value: an output of another op, or a constant.
        input: The name of the op's input for it.
        path: Refused: the path of the file cannot be chosen.
    """

    def __init__(self, argument: Any, input: str | None = None, path: str | None = None) -> None:
        if path is not None:
            refused.refuse(
                "dsl.InputArgumentPath(path=)",
                "Omit the path: the argument is replaced by the actual path of the file.",
            )
        self.argument = argument
        self.input = input


class ContainerOp(BaseOp):
    """A task that runs a container.

    Args:
        name: The task's name; spaces and capital letters are replaced.
        image: The container image.
        command: The entry point: a string or a list of strings, which can contain parameters and
            outputs of other ops.
        arguments: The arguments of the entry point, likewise.
        file_outputs: The paths of output files by output name.
        output_artifact_paths: The paths of output files that are artifacts, by output name.
        pvolumes: Volumes by the paths they are mounted at.
        is_exit_handler: Ignored, accepted for compatibility; use `dsl.ExitHandler`.

    Raises:
        NotInIRError: An argument is not supported by the IR, such as sidecars and init containers.
    """

    def __init__(
        self,
        name: str,
        image: str,
        command: Any = None,
        arguments: Any = None,
        init_containers: Sequence[Any] | None = None,
        sidecars: Sequence[Any] | None = None,
        container_kwargs: Mapping[str, Any] | None = None,
        artifact_argument_paths: Sequence[Any] | None = None,
        file_outputs: Mapping[str, str] | None = None,
        output_artifact_paths: Mapping[str, str] | None = None,
        is_exit_handler: bool = False,
        pvolumes: Mapping[str, Any] | None = None,
    ) -> None:
        for given, method in ((init_containers, "add_init_container"), (sidecars, "add_sidecar")):
            if given:
                refused.refusing("ContainerOp", refused.OF_OP, method)()
        if artifact_argument_paths:
            refused.refuse(
                "ContainerOp(artifact_argument_paths=)",
                "Put dsl.InputArgumentPath(output) into `arguments`.",
            )
        super().__init__(
            draft_of(name, image, command, arguments, file_outputs, output_artifact_paths)
        )
        for key, value in (container_kwargs or {}).items():
            self.container.apply_keyword(key, value)
        self.add_pvolumes(pvolumes or {})


def draft_of(
    name: str,
    image: str,
    command: Any,
    arguments: Any,
    file_outputs: Mapping[str, str] | None,
    output_artifact_paths: Mapping[str, str] | None,
) -> Draft:
    """The draft of a `dsl.ContainerOp`.

    Raises:
        NotInIRError: There are output files to collect but no command, after which to collect them;
            or a placeholder of Argo has no counterpart.
    """
    reader = _ArgumentReader()
    entry_point = reader.arguments(command)
    args = reader.arguments(arguments)
    fixed_paths = {input_name(key): str(path) for key, path in (file_outputs or {}).items()}
    outputs: dict[str, Any] = {key: _OUTPUT_TYPES.get(key) for key in fixed_paths}
    for key, path in (output_artifact_paths or {}).items():
        fixed_paths[input_name(key)] = str(path)
        outputs[input_name(key)] = _OUTPUT_TYPES.get(input_name(key), "Artifact")
    implicit = set()
    if entry_point and output_artifact_paths is None:
        for key, path in UI_FILES.items():
            if path not in fixed_paths.values():
                fixed_paths[key] = path
                outputs[key] = _OUTPUT_TYPES[key]
                implicit.add(key)
    if fixed_paths and not entry_point:
        refused.refuse(
            f"Output files of {name!r} without a `command`",
            "Pass the image's entry point as `command`: the files are collected after it ends.",
        )
    return Draft(
        name=name,
        image=str(image),
        command=entry_point,
        args=args,
        env={},
        inputs=reader.inputs,
        outputs=outputs,
        fixed_paths=fixed_paths,
        implicit=implicit,
    )


class _ArgumentReader:
    """Reads arguments of a `dsl.ContainerOp`; the channels in them become inputs."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}

    def arguments(self, given: Any) -> list[Argument]:
        if given is None:
            return []
        is_one = isinstance(given, (str, PipelineChannel, InputArgumentPath))
        return [self._argument(each) for each in ([given] if is_one else given)]

    def _argument(self, element: Any) -> Argument:
        if isinstance(element, InputArgumentPath):
            value = element.argument
            if not isinstance(value, PipelineChannel):
                value = constant_text(value)
            preferred = value.full_name if isinstance(value, PipelineChannel) else "input"
            return (InputFile(self._input(element.input or preferred, value)),)
        text = translate(constant_text(element))
        channels = channels_in(text)
        texts = [value_placeholder(self._input(each.full_name, each)) for each in channels]
        text = str(replace_in(text, channels, texts))
        return (_RUN_PLACEHOLDER.sub(self._run_input, text),)

    def _run_input(self, match: re.Match[str]) -> str:
        return value_placeholder(self._input(match[1], match[0]))

    def _input(self, preferred: str, value: Any) -> str:
        """The name of the input for a value; an existing input with the same value is reused."""
        for name, known in self.inputs.items():
            if type(known) is type(value) and str(known) == str(value):
                return name
        name = unique(input_name(preferred) or "input", self.inputs).replace("-", "_")
        self.inputs[name] = value
        return name
