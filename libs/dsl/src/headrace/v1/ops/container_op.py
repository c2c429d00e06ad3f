"""Commands of `dsl.ContainerOp`: parameters and outputs of other ops stand in their words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.graph.channels import PipelineChannel, channels_in, replace_in
from headrace.graph.names import input_name, unique
from headrace.v1 import refused
from headrace.v1.argo_placeholders import translated
from headrace.v1.ops.command import InPath, Word, text_of, value_word
from headrace.v1.ops.draft import Draft
from headrace.v1.ops.op import BaseOp
from headrace.v1.ops.outputs import METRICS, UI_FILES, UI_METADATA

_OF_RUN = re.compile(r"\{\{\$\.(pipeline_\w+)\}\}")
_KINDS = {UI_METADATA: "UI metadata", METRICS: "Metrics"}


class InputArgumentPath:
    """An argument of an op that is the path of a file with an output of another.

    Args:
        argument: The output, or a text.
        input: Its name among the op's inputs.
        path: Refused: where the file lies is not known before.
    """

    def __init__(self, argument: Any, input: str | None = None, path: str | None = None) -> None:
        if path is not None:
            refused.refuse(
                "dsl.InputArgumentPath(path=)",
                "Leave the path out: the argument is the path of the file, wherever it lies.",
            )
        self.argument = argument
        self.input = input


class ContainerOp(BaseOp):
    """A task that runs a container.

    Args:
        name: Its name; spaces and capital letters are replaced.
        image: The container image.
        command: The entry point: a word, or a list of them; parameters and outputs of other ops may
            stand in a word.
        arguments: Its arguments, likewise.
        file_outputs: Files that are its outputs, by the outputs' names.
        output_artifact_paths: More of them, which are artifacts.
        pvolumes: Volumes by the folders that they are mounted as.
        is_exit_handler: Accepted as version 1 did; `dsl.ExitHandler` makes it one.

    Raises:
        NotInIRError: sidecars, init containers, or what else the IR cannot say.
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
            self.container.keyword(key, value)
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
        NotInIRError: files are to be collected, and no command is there to collect them after; or a
            placeholder of Argo has no counterpart.
    """
    reader = _Reader()
    words = reader.words(command)
    args = reader.words(arguments)
    fixed = {input_name(key): str(path) for key, path in (file_outputs or {}).items()}
    outputs: dict[str, Any] = {key: _KINDS.get(key) for key in fixed}
    for key, path in (output_artifact_paths or {}).items():
        fixed[input_name(key)] = str(path)
        outputs[input_name(key)] = _KINDS.get(input_name(key), "Artifact")
    implicit = set()
    if words and output_artifact_paths is None:
        for key, path in UI_FILES.items():
            if path not in fixed.values():
                fixed[key] = path
                outputs[key] = _KINDS[key]
                implicit.add(key)
    if fixed and not words:
        refused.refuse(
            f"Files of {name!r} without its command",
            "Give the image's entry point as `command`: the files are collected when it ends.",
        )
    return Draft(
        name=name,
        image=str(image),
        command=words,
        args=args,
        env={},
        inputs=reader.inputs,
        outputs=outputs,
        fixed=fixed,
        implicit=implicit,
    )


class _Reader:
    """Makes inputs of what stands in words."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}

    def words(self, given: Any) -> list[Word]:
        if given is None:
            return []
        is_one = isinstance(given, (str, PipelineChannel, InputArgumentPath))
        return [self._word(each) for each in ([given] if is_one else given)]

    def _word(self, element: Any) -> Word:
        if isinstance(element, InputArgumentPath):
            value = element.argument
            if not isinstance(value, PipelineChannel):
                value = text_of(value)
            wished = value.full_name if isinstance(value, PipelineChannel) else "input"
            return (InPath(self._input(element.input or wished, value)),)
        text = translated(text_of(element))
        channels = channels_in(text)
        texts = [value_word(self._input(each.full_name, each)) for each in channels]
        text = str(replace_in(text, channels, texts))
        return (_OF_RUN.sub(self._of_run, text),)

    def _of_run(self, match: re.Match[str]) -> str:
        return value_word(self._input(match[1], match[0]))

    def _input(self, wished: str, value: Any) -> str:
        """The name of the input with a value, which may be there already."""
        for name, known in self.inputs.items():
            if type(known) is type(value) and str(known) == str(value):
                return name
        name = unique(input_name(wished) or "input", self.inputs).replace("-", "_")
        self.inputs[name] = value
        return name
