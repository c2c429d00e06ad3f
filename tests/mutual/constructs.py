"""Which constructs of the IR a pipeline has, and a few pipelines that have all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.mutual.sources import Source

_NAMED = {"artifacts", "components", "executors", "metadata", "parameters", "platforms", "tasks"}
"""Maps whose keys are names that users give."""
_WORDS = {"parameterType", "schemaTitle", "strategy"}
"""Fields whose values are words of the IR."""


def constructs(ir: Any) -> set[str]:
    """The fields that the IR has, each by its place, without the names and values of its own."""
    return set(_fields(ir, ""))


def _fields(found: Any, place: str) -> Iterator[str]:
    if isinstance(found, dict):
        has_own_names = place.rpartition(".")[2] in _NAMED
        for key, value in found.items():
            yield from _fields(value, f"{place}.*" if has_own_names else f"{place}.{key}")
            if key in _WORDS:
                yield f"{place}.{key}={value}"
    elif isinstance(found, list):
        for value in found:
            yield from _fields(value, f"{place}[]")
    else:
        yield place


def selection(sources: Iterable[Source]) -> list[Source]:
    """Sources that have every construct together: of those that add most for their size, one after
    another."""
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
