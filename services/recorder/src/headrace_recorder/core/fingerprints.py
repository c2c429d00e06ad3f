"""Comparison of step fingerprints, to explain a cache miss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Parts = Mapping[str, Any]


def differences(parts: Parts, earlier: Parts) -> list[dict[str, Any]]:
    """The parts that differ: ``part``, ``was`` (the earlier value) and ``is``. A value that one of
    the fingerprints does not have is omitted."""
    found = []
    for name in sorted({*parts, *earlier}):
        if name not in parts or name not in earlier or parts[name] != earlier[name]:
            entry: dict[str, Any] = {"part": name}
            if name in earlier:
                entry["was"] = earlier[name]
            if name in parts:
                entry["is"] = parts[name]
            found.append(entry)
    return found


def closest(parts: Parts, earlier: Sequence[Parts]) -> int | None:
    """The index of the fingerprint with the fewest differences, the first of equals; None when
    `earlier` is empty."""
    if not earlier:
        return None
    return min(range(len(earlier)), key=lambda index: len(differences(parts, earlier[index])))
