"""Decodes the YAML or JSON documents of a package, plain or in an archive.

A package is untrusted: a few lines of YAML can expand to gigabytes, so YAML is parsed with limits.
Only values that JSON has are accepted: a date without quotes is a string, and a set is refused.
"""

from __future__ import annotations

import json
from typing import Any

import yaml
from headrace_runtime.errors import RejectedError

from headrace_api.errors import malformed
from headrace_api.pipelines.rules.archives import pipeline_file

MAX_NODES = 500_000
"""A pipeline of 5,000 tasks has some 150,000."""
MAX_DEPTH = 100


def documents_of(package: bytes) -> list[Any]:
    """The YAML documents of a package.

    Raises:
        RejectedError: the package is too large, not readable, or an archive without a pipeline.
    """
    try:
        text = pipeline_file(package).decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("the package is neither UTF-8 text nor a zip or tar.gz archive") from None
    return _parse(text)


_JSON_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("null", "bool", "int", "float", "str", "seq", "map", "merge")
)
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _JSON_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Composer(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers = _RESOLVERS


class _Constructor(yaml.SafeLoader):
    yaml_constructors = {
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag in _JSON_TAGS
    }


def _parse(text: str) -> list[Any]:
    if text[:1] == "{" and sum(map(text.count, ",[{")) <= MAX_NODES:
        try:
            return [json.loads(text)]
        except (ValueError, RecursionError):
            pass  # may be YAML in flow style; if not, the YAML parser reports where the error is
    try:
        return [_Constructor("").construct_document(node) for node in _compose(text)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise malformed(f"the package is not valid YAML: {error.problem}{where}") from None
    except (yaml.YAMLError, ValueError, KeyError, RecursionError) as error:
        raise malformed(f"the package is not valid YAML: {error}") from None


def _compose(text: str) -> list[Any]:
    """The node graphs of all documents, within the limits of depth and of expanded values."""
    _check_events(text)
    nodes = [node for node in yaml.compose_all(text, Loader=_Composer) if node is not None]
    sizes: dict[int, int] = {}
    if sum(_size(node, sizes) for node in nodes) > MAX_NODES:
        raise _too_many()
    return nodes


def _check_events(text: str) -> None:
    """Check depth and number of values before nodes are built; an alias counts as one value."""
    depth, values = 0, 0
    for event in yaml.parse(text, Loader=_Composer):
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_NODES:
            raise _too_many()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise malformed(
                    f"the package is nested deeper than {MAX_DEPTH} levels at line {line}"
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _size(node: Any, sizes: dict[int, int]) -> int:
    """The number of values in a node, with aliases expanded."""
    known = sizes.get(id(node))
    if known == 0:
        line = node.start_mark.line + 1
        raise malformed(f"the value at line {line} of the package contains itself")
    if known is not None:
        return known
    sizes[id(node)] = 0  # being counted
    if isinstance(node, yaml.MappingNode):
        total = 1 + sum(_size(key, sizes) + _size(value, sizes) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total = 1 + sum(_size(item, sizes) for item in node.value)
    else:
        total = 1
    sizes[id(node)] = total
    return total


def _too_many() -> RejectedError:
    return malformed(f"the package has more than {MAX_NODES:,} values (aliases expanded)")
