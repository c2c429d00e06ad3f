"""Settles ops when a pipeline's function has ended: what their outputs are, and their commands."""

from __future__ import annotations

import re
from typing import Any

from headrace.graph import types
from headrace.graph.channels import (
    ConditionOperation,
    PipelineArtifactChannel,
    PipelineChannel,
    channels_in,
    replace_in,
)
from headrace.graph.control_flow import ConditionGroup, ParallelFor
from headrace.graph.names import input_name, unique
from headrace.graph.pipeline import Pipeline
from headrace.graph.placeholders import OutputParameterPlaceholder, OutputPathPlaceholder
from headrace.graph.specs import InputSpec, OutputSpec
from headrace.v1 import refused
from headrace.v1.ops.command import InPath, Part, Word, value_word
from headrace.v1.ops.op import BaseOp, parameter_kind, uses
from headrace.v1.ops.outputs import Output, artifact_type, current_outputs
from headrace.v1.ops.shell import wrapper
from headrace.v1.volumes import mount_all

_FOLDER = "{{$.outputs.output_file}}.inputs"
"""Where inputs become files: beside the step's own output file, which no other step has."""
_NUMBERS = ("NUMBER_INTEGER", "NUMBER_DOUBLE")


def finish_ops(pipeline: Pipeline) -> None:
    """Settle all ops of a pipeline.

    Raises:
        NotInIRError: an op's files cannot be handled without its command.
    """
    ops = [task for task in pipeline.tasks.values() if isinstance(task, BaseOp)]
    _decide(pipeline)
    for op in ops:
        _options(op)
        mount_all(op, op.op_volumes, op.op_mounts)
        _environment(op)
        _inputs(op)
        for name, kind in op.draft.outputs.items():
            output = op.outputs[name]
            chosen = artifact_type(kind) if output.is_artifact else output.channel_type
            op.component_spec.outputs[name] = OutputSpec(chosen)
        _command(op)


def _decide(pipeline: Pipeline) -> None:
    """Decide what each open output is, by what uses it."""
    used: set[str] = {each.pattern for task in pipeline.tasks.values() for each in uses(task)}
    numbers: set[str] = set()
    for group in pipeline.inner_groups():
        if isinstance(group, ParallelFor) and group.items_is_pipeline_channel:
            used.add(group.loop_argument.items_or_pipeline_channel.pattern)
        if isinstance(group, ConditionGroup):
            for condition in group.conditions:
                used.update(each.pattern for each in condition.channels())
                _fit_constants(condition)
                numbers.update(_compared_with_numbers(condition))
    for output in current_outputs(pipeline):
        output.is_used = output.pattern in used
        if output.pattern in numbers and output.channel_type == "String":
            output.channel_type = "Float"
        output.is_artifact = output.is_open and not output.is_used


def _fit_constants(condition: ConditionOperation) -> None:
    """Compare a number or truth value with a constant of the same kind: in version 1 all
    constants could be texts."""
    left, right = condition.left_operand, condition.right_operand
    condition.left_operand = _fitting(left, right)
    condition.right_operand = _fitting(right, left)


def _fitting(constant: Any, other: Any) -> Any:
    if not isinstance(constant, str) or not isinstance(other, PipelineChannel):
        return constant
    kind = types.ir_type(other.channel_type)
    if kind == "BOOLEAN" and constant.lower() in ("true", "false"):
        return constant.lower() == "true"
    if kind not in _NUMBERS:
        return constant
    try:
        return float(constant) if kind == "NUMBER_DOUBLE" else int(constant)
    except ValueError:
        raise ValueError(
            f"{other.full_name!r} is a number, and is compared with the text {constant!r}."
        ) from None


def _compared_with_numbers(condition: ConditionOperation) -> list[str]:
    sides = (condition.left_operand, condition.right_operand)
    return [
        one.pattern
        for one, other in (sides, sides[::-1])
        if isinstance(one, Output) and _is_number(other)
    ]


def _is_number(value: Any) -> bool:
    if isinstance(value, PipelineChannel):
        return types.ir_type(value.channel_type) in _NUMBERS
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _options(op: BaseOp) -> None:
    """What `execution_options` says of the cache."""
    staleness = op.execution_options.caching_strategy.max_cache_staleness
    if staleness is None:
        return
    if staleness not in ("P0D", "P0S", "PT0S"):
        refused.refuse(
            f"max_cache_staleness = {staleness!r}",
            "Cached outputs do not become old: leave it out, or use 'P0D', which means that they "
            "are not taken.",
        )
    op.enable_caching = False


def _environment(op: BaseOp) -> None:
    """Make inputs of the channels in environment variables."""
    container = op.container_spec
    assert container is not None
    for name, value in container.env.items():
        channels = channels_in(value)
        texts = []
        for channel in channels:
            added = unique(input_name(channel.full_name), op.inputs)
            op.inputs[added] = channel
            texts.append(value_word(added))
        container.env[name] = replace_in(value, channels, texts)


def _inputs(op: BaseOp) -> None:
    """Bring the types of the inputs to those of the arguments, which are known now."""
    swapped: dict[str, PipelineChannel] = {}
    for name, value in op.inputs.items():
        if isinstance(value, Output) and value.is_artifact:
            kind = artifact_type(value.task.draft.outputs[value.name])
            channel = PipelineArtifactChannel(value.name, kind, value.task_name)
            op.inputs[name] = swapped[value.pattern] = channel
            op.component_spec.inputs[name] = InputSpec(kind)
        elif isinstance(value, PipelineChannel):
            op.component_spec.inputs[name] = InputSpec(parameter_kind(value))
        elif name not in op.component_spec.inputs:
            op.component_spec.inputs[name] = InputSpec("String")
    op.replace_channels(swapped)


def _command(op: BaseOp) -> None:
    """Write the command. What it wants as files, and leaves in fixed places, is moved by a shell
    around it, when there is such."""
    draft, container = op.draft, op.container_spec
    assert container is not None
    files, texts, (declared, implicit) = _files(op), _texts(op), _moves(op)
    command, args = ([_text(op, word) for word in words] for words in (draft.command, draft.args))
    if files or declared or implicit or (texts and command):
        if not command:
            refused.refuse(
                f"The files of {draft.name!r} without its command",
                "Give the image's entry point as `command`: a shell writes and collects the files "
                "around it.",
            )
        command = [*wrapper(files, texts, declared, implicit), *command]
    container.command, container.args = command, args


def _files(op: BaseOp) -> list[str]:
    """The inputs that are values and wanted as files: each file's path, and what is in it."""
    words: list[str] = []
    parts = [part for word in [*op.draft.command, *op.draft.args] for part in word]
    for name in dict.fromkeys(part.name for part in parts if isinstance(part, InPath)):
        if types.is_parameter(op.component_spec.inputs[name].type):
            words += [f"{_FOLDER}/{name}", value_word(name)]
    return words


def _texts(op: BaseOp) -> list[str]:
    """The paths of outputs that are used as texts: a line's end after them is no part of them."""
    return [
        _output_path(op, name)
        for name in op.draft.outputs
        if op.outputs[name].is_used and op.component_spec.outputs[name].type == "String"
    ]


def _moves(op: BaseOp) -> tuple[list[str], list[str]]:
    """The fixed places of outputs that the command does not name: each, and where it goes; of
    those that were declared, and of those that every op may write."""
    words = " ".join(part for word in _words(op) for part in word if isinstance(part, str))
    moved: tuple[list[str], list[str]] = ([], [])
    for name, path in op.draft.fixed.items():
        if not _named(path).search(words):
            moved[name in op.draft.implicit].extend((path, _output_path(op, name)))
    return moved


def _words(op: BaseOp) -> list[Word]:
    return [*op.draft.command, *op.draft.args]


def _named(path: str) -> re.Pattern[str]:
    """Finds a path in a text, but not as a part of another."""
    return re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w/-]|\.\w)")


def _text(op: BaseOp, word: Word) -> str:
    return "".join(_part(op, part) for part in word)


def _part(op: BaseOp, part: Part) -> str:
    if isinstance(part, str):
        for name, path in op.draft.fixed.items():
            place = _output_path(op, name)
            part = _named(path).sub(lambda _, place=place: place, part)  # type: ignore[misc]
        return part
    if isinstance(part, InPath):
        if types.is_parameter(op.component_spec.inputs[part.name].type):
            return f"{_FOLDER}/{part.name}"
        return f"{{{{$.inputs.artifacts['{part.name}'].path}}}}"
    return _output_path(op, part.name)


def _output_path(op: BaseOp, name: str) -> str:
    is_parameter = types.is_parameter(op.component_spec.outputs[name].type)
    form = OutputParameterPlaceholder if is_parameter else OutputPathPlaceholder
    return form(name).to_text()
