"""The constructs of the IR that a pipeline has, and a small selection of pipelines with all of
them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.mutual.sources import Source

_NAMED = {"artifacts", "components", "executors", "metadata", "parameters", "platforms", "tasks"}
"""Maps whose keys are users' names."""
_KEYWORDS = {"parameterType", "schemaTitle", "strategy"}
"""Fields whose values are keywords of the IR."""


def constructs(ir: Any) -> set[str]:
    """The paths of the fields that the IR has, without users' names and values."""
    return set(_fields(ir, ""))


def _fields(found: Any, place: str) -> Iterator[str]:
    if isinstance(found, dict):
        has_own_names = place.rpartition(".")[2] in _NAMED
        for key, value in found.items():
            yield from _fields(value, f"{place}.*" if has_own_names else f"{place}.{key}")
            if key in _KEYWORDS:
                yield f"{place}.{key}={value}"
    elif isinstance(found, list):
        for value in found:
            yield from _fields(value, f"{place}[]")
    else:
        yield place


def selection(sources: Iterable[Source]) -> list[Source]:
    """A few sources that together have every construct. Each next one is the source that adds most
    constructs for its number of steps."""
    left = {source.name: (source, constructs(source.packages["kfp"])) for source in sources}
    chosen: list[Source] = []
    missing = set().union(*(found for _, found in left.values())) if left else set()
    while missing:
        name = max(left, key=lambda name: len(left[name][1] & missing) / _steps(left[name][0]))
        source, found = left.pop(name)
        chosen.append(source)
        missing -= found
    return chosen


def _steps(source: Source) -> int:
    return len(source.ir.get("deploymentSpec", {}).get("executors", {})) + 1
