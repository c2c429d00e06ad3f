"""Writes conditions as CEL expressions for the IR."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.graph.channels import ConditionOperation, PipelineChannel
from headrace.graph.interfaces import types
from headrace.graph.names import channel_input

_PRECEDENCE = ("STRING", "BOOLEAN", "NUMBER_DOUBLE", "NUMBER_INTEGER")
"""The operand types, in the order in which a comparison prefers them as the common type."""


def expression(conditions: Iterable[ConditionOperation]) -> str:
    """The CEL expression that all conditions are true.

    Raises:
        ValueError: An operand is a list, a dict or an artifact.
    """
    return " && ".join(_comparison(each) for each in conditions)


def _comparison(condition: ConditionOperation) -> str:
    operands = (_operand(condition.left_operand), _operand(condition.right_operand))
    common = min((kind for _, kind in operands), key=_PRECEDENCE.index)
    left, right = (_converted(text, kind, common) for text, kind in operands)
    text = f"{left} {condition.operator} {right}"
    return f"!({text})" if condition.negate else text


def _operand(value: Any) -> tuple[str, str]:
    if isinstance(value, PipelineChannel):
        name = channel_input(value.full_name)
        kind = types.ir_type(value.channel_type)
        if kind not in _PRECEDENCE:
            raise ValueError(
                "Conditional requires primitive parameter values for comparison. Found input "
                f'"{name}" of type {value.channel_type} in pipeline definition instead.'
            )
        text = f"inputs.parameter_values['{name}']"
        return (f"int({text})" if kind == "NUMBER_INTEGER" else text), str(kind)
    if isinstance(value, str):
        escaped = value.replace("'", "\\'")
        return f"'{escaped}'", "STRING"
    if isinstance(value, bool):
        return str(value).lower(), "BOOLEAN"
    if isinstance(value, int):
        return str(value), "NUMBER_INTEGER"
    if isinstance(value, float):
        return str(value), "NUMBER_DOUBLE"
    raise ValueError(
        "Conditional requires primitive parameter values for comparison. Found "
        f"{value!r} of type {type(value).__name__} instead."
    )


def _converted(text: str, kind: str, common: str) -> str:
    if kind == common:
        return text
    if common == "STRING":
        return f"'{text}'"
    if common == "BOOLEAN":
        try:
            return "true" if int(text) == 0 else "false"
        except ValueError:
            raise ValueError(
                f"A boolean cannot be compared with {text}. Compare it with True or False."
            ) from None
    return f"double({text})"
