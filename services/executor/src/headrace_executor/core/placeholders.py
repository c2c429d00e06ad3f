"""Replaces the placeholders in a container's command line.

Invariant: a text is resolved in one pass, so a value that looks like a placeholder stays as it is.
Source of the placeholders: `kfp.dsl.placeholders`; the formats are those of KFP's Go launcher.
Unlike that launcher this also resolves metadata, lists of artifacts and ``Concat``, and an unknown
name is an error. An absent optional input becomes an empty text and never removes its argument,
since the command may know the arguments after it by their position.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from headrace_contracts.ir.parameters import whole_numbers

_PLACEHOLDER = re.compile(
    r"\{\{\$(?:\.(?P<side>inputs|outputs)"
    r"(?:\.(?P<kind>parameters|artifacts)\[(?P<q>['\"])(?P<name>[^'\"{}]+)(?P=q)\])?"
    r"(?:\.(?P<field>\w+)(?:\[(?P<q2>['\"])(?P<key>[^'\"{}]+)(?P=q2)\])?)?)?\}\}"
)


class PlaceholderError(ValueError):
    """A placeholder cannot be resolved; the message says which one and where."""


def format_value(value: Any) -> str:
    """A value as text: a string as it is, 7.0 as ``7``, 1e-7 as ``0.0000001``, null as the empty
    text, a list or an object as compact JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return f"{Decimal(repr(value)).normalize():f}"
        case _:
            return _json(whole_numbers(value))


def resolve_command(
    command: Sequence[str],
    args: Sequence[str],
    executor_input: Mapping[str, Any],
    defaults: Mapping[str, Any],
    declared: Collection[str] | None = None,
) -> tuple[str, ...]:
    """The command line of a container.

    `defaults` are values of optional input parameters that are not given. `declared` are the names
    of the component's inputs: one of them without a value is an absent optional input, any other
    name is an error; without `declared` every name counts as declared.

    Raises:
        PlaceholderError: a placeholder cannot be resolved.
    """
    resolver = _Resolver(executor_input, defaults, declared)
    words: list[str] = []
    for place, elements in (("command", command), ("args", args)):
        for index, element in enumerate(elements):
            try:
                words += resolver.element(element)
            except PlaceholderError as error:
                raise PlaceholderError(f"{place}[{index}]: {error}") from None
    return tuple(words)


def resolve_text(
    text: str,
    executor_input: Mapping[str, Any],
    defaults: Mapping[str, Any],
    declared: Collection[str] | None = None,
) -> str:
    """One text, such as an environment variable's value; the rest is as for `resolve_command`."""
    return _Resolver(executor_input, defaults, declared).text(text)


class _Resolver:
    def __init__(
        self,
        executor_input: Mapping[str, Any],
        defaults: Mapping[str, Any],
        declared: Collection[str] | None,
    ) -> None:
        self._input = executor_input
        self._given: Mapping[str, Any] = executor_input["inputs"]["parameterValues"]
        self._defaults = defaults
        self._declared = declared

    def element(self, element: str) -> list[str]:
        """The arguments of one element of a command; a structure may become none or several."""
        structure = _structure(element)
        return [self.text(element)] if structure is None else self._words(structure)

    def text(self, text: str) -> str:
        """A text with every placeholder in it replaced."""
        return _PLACEHOLDER.sub(self._replacement, text)

    def _words(self, part: Any) -> list[str]:
        """The arguments of a structure, at any depth."""
        match part:
            case None:
                return []
            case str():
                return [self.text(part)]
            case list():
                return [word for item in part for word in self._words(item)]
            case {"Concat": list(items)}:
                return ["".join(word for item in items for word in self._words(item))]
            case {"IfPresent": {"InputName": str(name), "Then": then, **rest}}:
                return self._words(then if self._is_present(name) else rest.get("Else"))
            case _:
                raise PlaceholderError(f"malformed structure {_json(part)}")

    def _is_present(self, name: str) -> bool:
        return self._given.get(name) is not None or name in self._input["inputs"]["artifacts"]

    def _replacement(self, match: re.Match[str]) -> str:
        name = match["name"]
        match match["side"], match["kind"], match["field"], match["key"]:
            case None, None, None, None:
                return _json(self._input)
            case "outputs", None, "output_file", None:
                return str(self._input["outputs"]["outputFile"])
            case "outputs", "parameters", "output_file", None:
                return str(self._output(match, "parameters")["outputFile"])
            case "inputs", "parameters", None, None:
                return format_value(self._parameter(match))
            case side, "artifacts", None, None:
                return _json(self._artifacts(match, side))
            case side, "artifacts", "uri" | "path", None:
                # The URI that is handed out is a local path wherever there is one.
                return str(_first(self._artifacts(match, side)).get("uri", ""))
            case side, "artifacts", "metadata", key:
                metadata = _first(self._artifacts(match, side)).get("metadata", {})
                return _json(metadata) if key is None else format_value(metadata.get(key))
        raise PlaceholderError(f"{match[0]} is not a placeholder of {name or 'anything'}")

    def _parameter(self, match: re.Match[str]) -> Any:
        name = match["name"]
        if name not in self._given and name not in self._defaults:
            self._check_declared(match)
        value = self._given.get(name)
        return self._defaults.get(name) if value is None else value

    def _artifacts(self, match: re.Match[str], side: str) -> list[Mapping[str, Any]]:
        if side == "outputs":
            return list(self._output(match, "artifacts")["artifacts"])
        given = self._input["inputs"]["artifacts"].get(match["name"])
        if given is None:
            self._check_declared(match)
            return []
        return list(given["artifacts"])

    def _check_declared(self, match: re.Match[str]) -> None:
        if self._declared is not None and match["name"] not in self._declared:
            raise _unknown(match, "input", self._declared)

    def _output(self, match: re.Match[str], kind: str) -> Any:
        outputs = self._input["outputs"][kind]
        if match["name"] not in outputs:
            raise _unknown(match, f"output {kind[:-1]}", outputs)
        return outputs[match["name"]]


def _unknown(match: re.Match[str], what: str, known: Collection[str]) -> PlaceholderError:
    names = ", ".join(sorted(known)) or "none"
    return PlaceholderError(
        f"{match[0]}: the component has no {what} {match['name']!r}; it has: {names}"
    )


def _first(artifacts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return artifacts[0] if artifacts else {}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _structure(element: str) -> Any:
    """The structure in an element, None for an ordinary text."""
    if not element.lstrip().startswith(('{"Concat":', '{"IfPresent":')):
        return None
    try:
        value = json.loads(element)
    except ValueError:
        return None
    return value if len(value) == 1 else None
