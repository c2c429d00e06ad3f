"""Completes the ops when a pipeline's function has ended: the types of their outputs, and their
commands."""

from __future__ import annotations

import re
from typing import Any

from headrace.graph.channels import (
    ConditionOperation,
    PipelineArtifactChannel,
    PipelineChannel,
    channels_in,
    replace_in,
)
from headrace.graph.control_flow import ConditionGroup, ParallelFor
from headrace.graph.interfaces import types
from headrace.graph.interfaces.placeholders import OutputParameterPlaceholder, OutputPathPlaceholder
from headrace.graph.interfaces.specs import InputSpec, OutputSpec
from headrace.graph.names import input_name, unique
from headrace.graph.pipeline import Pipeline
from headrace.v1 import refused
from headrace.v1.ops.command import Argument, ArgumentPart, InputFile, value_placeholder
from headrace.v1.ops.op import BaseOp, parameter_kind, used_channels
from headrace.v1.ops.outputs import Output, artifact_type, current_outputs
from headrace.v1.ops.shell import wrapper
from headrace.v1.volumes import mount_all

_FOLDER = "{{$.outputs.output_file}}.inputs"
"""The folder of input files: next to the step's executor output, so that no other step uses it."""
_NUMBERS = ("NUMBER_INTEGER", "NUMBER_DOUBLE")


def finish_ops(pipeline: Pipeline) -> None:
    """Complete all ops of a pipeline.

    Raises:
        NotInIRError: An op has input or output files but no command.
    """
    ops = [task for task in pipeline.tasks.values() if isinstance(task, BaseOp)]
    _decide_output_types(pipeline)
    for op in ops:
        _apply_cache_options(op)
        mount_all(op, op.op_volumes, op.op_mounts)
        _add_environment_inputs(op)
        _update_input_types(op)
        for name, kind in op.draft.outputs.items():
            output = op.outputs[name]
            chosen = artifact_type(kind) if output.is_artifact else output.channel_type
            op.component_spec.outputs[name] = OutputSpec(chosen)
        _write_command(op)


def _decide_output_types(pipeline: Pipeline) -> None:
    """Decide the type of each output without a known type, by its uses."""
    used: set[str] = {
        each.pattern for task in pipeline.tasks.values() for each in used_channels(task)
    }
    numbers: set[str] = set()
    for group in pipeline.inner_groups():
        if isinstance(group, ParallelFor) and group.items_is_pipeline_channel:
            used.add(group.loop_argument.items_or_pipeline_channel.pattern)
        if isinstance(group, ConditionGroup):
            for condition in group.conditions:
                used.update(each.pattern for each in condition.channels())
                _convert_constants(condition)
                numbers.update(_compared_with_numbers(condition))
    for output in current_outputs(pipeline):
        output.is_used = output.pattern in used
        if output.pattern in numbers and output.channel_type == "String":
            output.channel_type = "Float"
        output.is_artifact = output.is_type_open and not output.is_used


def _convert_constants(condition: ConditionOperation) -> None:
    """Convert a string constant that is compared with a number or bool: in version 1 all constants
    could be strings."""
    left, right = condition.left_operand, condition.right_operand
    condition.left_operand = _converted(left, right)
    condition.right_operand = _converted(right, left)


def _converted(constant: Any, other: Any) -> Any:
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
            f"{other.full_name!r} is a number but is compared with the text {constant!r}. Compare "
            "it with a number."
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


def _apply_cache_options(op: BaseOp) -> None:
    """Apply the cache settings in `execution_options`."""
    staleness = op.execution_options.caching_strategy.max_cache_staleness
    if staleness is None:
        return
    if staleness not in ("P0D", "P0S", "PT0S"):
        refused.refuse(
            f"max_cache_staleness = {staleness!r}",
            "Cached outputs do not expire: omit the setting, or use 'P0D' to disable the cache.",
        )
    op.enable_caching = False


def _add_environment_inputs(op: BaseOp) -> None:
    """Turn the channels in environment variables into inputs."""
    container = op.container_spec
    assert container is not None
    for name, value in container.env.items():
        channels = channels_in(value)
        texts = []
        for channel in channels:
            added = unique(input_name(channel.full_name), op.inputs)
            op.inputs[added] = channel
            texts.append(value_placeholder(added))
        container.env[name] = replace_in(value, channels, texts)


def _update_input_types(op: BaseOp) -> None:
    """Set the types of the inputs to those of their arguments, which are known now."""
    replaced: dict[str, PipelineChannel] = {}
    for name, value in op.inputs.items():
        if isinstance(value, Output) and value.is_artifact:
            kind = artifact_type(value.task.draft.outputs[value.name])
            channel = PipelineArtifactChannel(value.name, kind, value.task_name)
            op.inputs[name] = replaced[value.pattern] = channel
            op.component_spec.inputs[name] = InputSpec(kind)
        elif isinstance(value, PipelineChannel):
            op.component_spec.inputs[name] = InputSpec(parameter_kind(value))
        elif name not in op.component_spec.inputs:
            op.component_spec.inputs[name] = InputSpec("String")
    op.replace_channels(replaced)


def _write_command(op: BaseOp) -> None:
    """Write the command. If it reads inputs from files or writes outputs to fixed paths, a shell
    script around it writes and collects these files."""
    draft, container = op.draft, op.container_spec
    assert container is not None
    files, texts, (declared, implicit) = _files_to_write(op), _texts_to_trim(op), _files_to_move(op)
    command, args = (
        [_text(op, argument) for argument in arguments] for arguments in (draft.command, draft.args)
    )
    if files or declared or implicit or (texts and command):
        if not command:
            refused.refuse(
                f"Input or output files of {draft.name!r} without a `command`",
                "Pass the image's entry point as `command`: a shell script around it writes and "
                "collects the files.",
            )
        command = [*wrapper(files, texts, declared, implicit), *command]
    container.command, container.args = command, args


def _files_to_write(op: BaseOp) -> list[str]:
    """The files to write for parameters that are used as files: path and content, alternating."""
    files: list[str] = []
    inputs = [part.name for part in op.draft.parts() if isinstance(part, InputFile)]
    for name in dict.fromkeys(inputs):
        if types.is_parameter(op.component_spec.inputs[name].type):
            files += [f"{_FOLDER}/{name}", value_placeholder(name)]
    return files


def _texts_to_trim(op: BaseOp) -> list[str]:
    """The paths of outputs that are used as strings, from which a final newline is removed."""
    return [
        _output_path(op, name)
        for name in op.draft.outputs
        if op.outputs[name].is_used and op.component_spec.outputs[name].type == "String"
    ]


def _files_to_move(op: BaseOp) -> tuple[list[str], list[str]]:
    """The output files at fixed paths that are not part of the command: source and target,
    alternating; first those of declared outputs, then those that every op may write."""
    text = " ".join(part for part in op.draft.parts() if isinstance(part, str))
    moved: tuple[list[str], list[str]] = ([], [])
    for name, path in op.draft.fixed_paths.items():
        if not _path_pattern(path).search(text):
            moved[name in op.draft.implicit].extend((path, _output_path(op, name)))
    return moved


def _path_pattern(path: str) -> re.Pattern[str]:
    """A pattern that finds a path in a text, but not as a part of a longer path."""
    return re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w/-]|\.\w)")


def _text(op: BaseOp, argument: Argument) -> str:
    return "".join(_part(op, part) for part in argument)


def _part(op: BaseOp, part: ArgumentPart) -> str:
    if isinstance(part, str):
        for name, path in op.draft.fixed_paths.items():
            target = _output_path(op, name)
            part = _path_pattern(path).sub(lambda _, target=target: target, part)  # type: ignore[misc]
        return part
    if isinstance(part, InputFile):
        if types.is_parameter(op.component_spec.inputs[part.name].type):
            return f"{_FOLDER}/{part.name}"
        return f"{{{{$.inputs.artifacts['{part.name}'].path}}}}"
    return _output_path(op, part.name)


def _output_path(op: BaseOp, name: str) -> str:
    is_parameter = types.is_parameter(op.component_spec.outputs[name].type)
    form = OutputParameterPlaceholder if is_parameter else OutputPathPlaceholder
    return form(name).to_text()
