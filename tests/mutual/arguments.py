"""Arguments for the required inputs of a pipeline, by name and type."""

from __future__ import annotations

from typing import Any

_BY_TYPE: dict[str, Any] = {
    "STRING": "a",
    "NUMBER_INTEGER": 2,
    "NUMBER_DOUBLE": 0.5,
    "BOOLEAN": True,
    "LIST": ["a", "b"],
    "STRUCT": {"a": 1},
}
_PARTS = [{"key": "a", "name": "n"}, {"key": "b", "name": "m"}]
_BY_NAME: dict[str, Any] = {
    "cpu": "1",
    "dicts": [{"a": "1"}, {"a": "2"}],
    "inner": [1, 2],
    "numbers": [1, 2],
    "outer": ["x", "y"],
    "things": [{"a": "1", "b": "2", "part": "p", "parts": _PARTS}],
    "word": "w",
}
"""Values of inputs whose items need a certain type, which the input's type does not state."""


def required(ir: dict[str, Any]) -> dict[str, Any]:
    """A value for each parameter of a pipeline without a default."""
    parameters = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    return {
        name: _value(name, definition["parameterType"])
        for name, definition in parameters.items()
        if not definition.get("isOptional") and "defaultValue" not in definition
    }


def _value(name: str, kind: str) -> Any:
    by_type = _BY_TYPE[kind]
    named = _BY_NAME.get(name, by_type)
    return named if type(named) is type(by_type) else by_type
