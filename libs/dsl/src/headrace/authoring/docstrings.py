"""Parses docstrings for the descriptions of a function and its parameters.

Supports the styles of Google, reStructuredText, NumPy and Epydoc; the style with the most entries
wins, the first of equals. The results match those of the package `docstring_parser`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_PARAMETER_WORDS = frozenset(
    ("param", "parameter", "arg", "argument", "attribute", "key", "keyword")
)
_GOOGLE_PARAMETERS = ("Arguments", "Args", "Parameters", "Params", "Attributes")
_GOOGLE_NAMED = (*_GOOGLE_PARAMETERS, "Raises", "Exceptions", "Except")
_GOOGLE_TITLES = (*_GOOGLE_NAMED, "Example", "Examples", "Returns", "Yields")
_GOOGLE_TITLE = re.compile(rf"^({'|'.join(_GOOGLE_TITLES)}):[ \t\r\f\v]*$", flags=re.M)
_GOOGLE_TYPED = re.compile(r"\s*(.+?)\s*\(\s*(.*[^\s]+)\s*\)")
_NUMPY_PARAMETERS = (
    "Parameters", "Params", "Arguments", "Args", "Other Parameters", "Other Params",
    "Other Arguments", "Other Args", "Receives", "Receive", "Attributes", "Attribute",
)  # fmt: skip
_NUMPY_TITLES = (
    *_NUMPY_PARAMETERS, "Raises", "Raise", "Warns", "Warn", "Returns", "Return", "Yields", "Yield",
    "Examples", "Example", "Warnings", "Warning", "See Also", "Related", "Notes", "Note",
    "References", "Reference", "Methods",
)  # fmt: skip
_NUMPY_TITLE = re.compile(
    "|".join(rf"^({title})\s*?\n{'-' * len(title)}\s*$" for title in _NUMPY_TITLES), flags=re.M
)
_NUMPY_KEY = re.compile(r"^(?P<name>\S.*?)(?:\s*:\s*(?P<type>.*?))?\s*$")


class _NotThisStyleError(Exception):
    """The docstring has another style."""


@dataclass
class Docstring:
    """A docstring's first line, the text after it, and the descriptions of parameters."""

    short: str | None = None
    long: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    """The number of entries in all sections."""

    @property
    def description(self) -> str | None:
        """The description of the function."""
        both = f"{self.short}\n{self.long}" if self.short and self.long else self.short
        return both.strip() if both else None


def parse(text: str | None) -> Docstring:
    """Parse a docstring."""
    if not text:
        return Docstring()
    text = inspect.cleandoc(text)
    found: list[Docstring] = []
    for style in _STYLES:
        try:
            found.append(style(text))
        except _NotThisStyleError:
            continue
    return max(found, key=lambda each: each.entries) if found else _description_only(text)


def parse_returns(text: str | None) -> dict[str, str]:
    """The descriptions of a function's outputs: the entries of the section `Returns`."""
    for heading in ("Returns:\n", "Returns\n", "Return:\n", "Return\n"):
        if text and heading in text:
            return parse(text.replace(heading.strip(), "Args:")).parameters
    return {}


def _description_only(text: str) -> Docstring:
    short, _, long = text.partition("\n")
    return Docstring(short or None, long.strip() or None)


def _dedent(description: str) -> str:
    first, newline, rest = description.partition("\n")
    return first + newline + inspect.cleandoc(rest) if newline else description


def _tagged(mark: str) -> Callable[[str], Docstring]:
    """The parser of a style whose entries are lines that start with a mark."""
    entry = re.compile(rf"(^{mark}.*?)(?=^{mark}|\Z)", flags=re.S | re.M)

    def read(text: str) -> Docstring:
        start = re.search(f"^{mark}", text, flags=re.M)
        if start is None:
            return _description_only(text)
        found = _description_only(text[: start.start()])
        for match in entry.finditer(text[start.start() :]):
            words, colon, description = match[0].lstrip(mark).partition(":")
            if not colon:
                raise _NotThisStyleError
            parts = words.split()
            if parts and parts[0] in ("type", "rtype"):
                continue
            found.entries += 1
            if parts and parts[0] in _PARAMETER_WORDS:
                if len(parts) not in (2, 3):
                    raise _NotThisStyleError
                found.parameters[parts[-1]] = _dedent(description.strip())
        return found

    return read


def _google(text: str) -> Docstring:
    matches = list(_GOOGLE_TITLE.finditer(text))
    if not matches:
        return _description_only(text)
    found = _description_only(text[: matches[0].start()])
    ends = [match.start() for match in matches[1:]] + [len(text)]
    sections: dict[str, str] = {}
    for match, end in zip(matches, ends, strict=True):
        body = text[match.end() : end]
        unindented = re.search(r"\n\S", body)
        sections[match[1]] = (body[: unindented.start()] if unindented else body).strip("\n")
    for title, body in sections.items():
        if title not in _GOOGLE_NAMED:
            found.entries += 1
            continue
        for name, description in _google_entries(body):
            found.entries += 1
            if title in _GOOGLE_PARAMETERS:
                typed = _GOOGLE_TYPED.match(name)
                found.parameters[typed[1] if typed else name] = description
    return found


def _google_entries(body: str) -> list[tuple[str, str]]:
    indent = re.match(r"\s*", body)
    starts = list(re.finditer(rf"^{indent[0] if indent else ''}(?=\S)", body, flags=re.M))
    if not starts:
        raise _NotThisStyleError
    ends = [match.start() for match in starts[1:]] + [len(body)]
    entries = []
    for match, end in zip(starts, ends, strict=True):
        name, colon, description = body[match.end() : end].strip("\n").partition(":")
        if not colon:
            raise _NotThisStyleError
        description = description[1:] if description.startswith(" ") else description
        entries.append((name, _dedent(description).strip("\n")))
    return entries


def _numpy(text: str) -> Docstring:
    matches = list(_NUMPY_TITLE.finditer(text))
    if not matches:
        return _description_only(text)
    found = _description_only(text[: matches[0].start()])
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends, strict=True):
        title = match[0].split("\n")[0].strip()
        body = text[match.end() : end].strip("\n")
        if title not in _NUMPY_PARAMETERS:
            found.entries += 1
            continue
        for entry in re.split(r"\n(?=\S)", body):
            key, _, description = entry.partition("\n")
            name = _NUMPY_KEY.match(key)
            if name:
                found.entries += 1
                found.parameters[name["name"]] = inspect.cleandoc(description)
    return found


_STYLES: tuple[Callable[[str], Docstring], ...] = (_tagged(":"), _google, _numpy, _tagged("@"))
