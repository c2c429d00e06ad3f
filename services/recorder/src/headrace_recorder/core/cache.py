"""Why a step was not taken from the cache: which part of its fingerprint is another one than in the
closest earlier execution of the same component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Parts = Mapping[str, Any]


def differences(parts: Parts, earlier: Parts) -> list[dict[str, Any]]:
    """The parts that differ, each with what it was and what it is; absent is left out."""
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
    """The place of the execution that differs in the fewest parts, the first of equals; None when
    there is none."""
    if not earlier:
        return None
    return min(range(len(earlier)), key=lambda index: len(differences(parts, earlier[index])))
