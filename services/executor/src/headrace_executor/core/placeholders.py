"""A container's command line with its placeholders replaced.

Source: `kfp.dsl.placeholders`; the formats are those of KFP's Go launcher. A text is resolved in
one pass, so a value that looks like a placeholder stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_contracts.ir.parameters import whole_numbers

_NAMED = re.compile(
    r"\{\{\$(?P<rest>(?:\.(?P<side>inputs|outputs)"
    r"(?:\.(?P<kind>parameters|artifacts)\[(?P<q>['\"])(?P<name>.*?)(?P=q)\])?"
    r"(?:\.(?P<field>[a-z_]+)(?:\[(?P<q2>['\"])(?P<key>.*?)(?P=q2)\])?)?)?)\}\}"
)


class PlaceholderError(ValueError):
    """A placeholder names what the component does not have."""


def format_value(value: Any) -> str:
    """A parameter's value in a command line: a text as it is, 7.0 as ``7``, others as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(whole_numbers(value), separators=(",", ":"), ensure_ascii=False)


def resolve_command(
    command: Sequence[str],
    args: Sequence[str],
    executor_input: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> tuple[str, ...]:
    """The command line of a container. `defaults` stand in for optional inputs without a value.

    Raises:
        PlaceholderError: a placeholder cannot be resolved.
    """
    resolver = _Resolver(executor_input, defaults)
    return tuple(word for element in (*command, *args) for word in resolver.element(element))


def resolve_text(text: str, executor_input: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """One text, such as an environment variable's value."""
    return _Resolver(executor_input, defaults).text(text)


class _Resolver:
    def __init__(self, executor_input: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._input = executor_input
        self._values = {**defaults, **executor_input["inputs"]["parameterValues"]}

    def element(self, element: Any) -> list[str]:
        """One element of a command; a structure may become none or several words."""
        if isinstance(element, str):
            structure = _structure(element)
            return [self.text(element)] if structure is None else self.element(structure)
        if isinstance(element, list):
            return [word for item in element for word in self.element(item)]
        if "Concat" in element:
            return ["".join("".join(self.element(item)) for item in element["Concat"])]
        condition = element["IfPresent"]
        chosen = condition.get("Then" if self._present(condition["InputName"]) else "Else")
        return [] if chosen is None else self.element(chosen)

    def text(self, text: str) -> str:
        """A text with every placeholder in it replaced."""
        return _NAMED.sub(self._replacement, text)

    def _present(self, name: str) -> bool:
        inputs = self._input["inputs"]
        return inputs["parameterValues"].get(name) is not None or name in inputs["artifacts"]

    def _replacement(self, match: re.Match[str]) -> str:
        side, kind, name, field = match["side"], match["kind"], match["name"], match["field"]
        if side is None:
            return json.dumps(self._input, separators=(",", ":"), ensure_ascii=False)
        if kind is None:
            if side == "outputs" and field == "output_file":
                return str(self._input["outputs"]["outputFile"])
            raise PlaceholderError(f"unknown placeholder {match[0]}")
        if kind == "artifacts":
            return self._artifact(match, side, name, field)
        if side == "outputs":
            return str(self._declared(match, "outputs", "parameters", name)["outputFile"])
        value = self._values.get(name)
        return "" if value is None else format_value(value)

    def _artifact(self, match: re.Match[str], side: str, name: str, field: str | None) -> str:
        if side == "inputs" and name not in self._input["inputs"]["artifacts"]:
            return ""  # optional, and not given
        found = self._declared(match, side, "artifacts", name)["artifacts"]
        if field is None:
            return format_value(found if len(found) > 1 else found[0])
        first = found[0]
        if field in ("uri", "path"):
            return str(first["uri"])  # a local path on one machine: it serves as both
        if field == "metadata":
            metadata = first.get("metadata", {})
            return format_value(metadata if match["key"] is None else metadata.get(match["key"]))
        raise PlaceholderError(f"unknown placeholder {match[0]}")

    def _declared(self, match: re.Match[str], side: str, kind: str, name: str) -> Any:
        try:
            return self._input[side][kind][name]
        except KeyError:
            what = f"{side[:-1]} {kind[:-1]}"
            raise PlaceholderError(f"{match[0]}: the component has no {what} {name!r}") from None


def _structure(element: str) -> Any:
    """The structure that an element is, or None for an ordinary text."""
    if not element.startswith(('{"Concat"', '{"IfPresent"')):
        return None
    try:
        value = json.loads(element)
    except ValueError:
        return None
    return value if isinstance(value, dict) and len(value) == 1 else None
