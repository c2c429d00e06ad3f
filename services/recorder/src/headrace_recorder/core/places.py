"""To which run an object in the deployment's bucket belongs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from headrace_contracts.places import run_prefix


def is_of(key: str, submission: Mapping[str, Any]) -> bool:
    """Whether an object lies among what the steps of a run leave."""
    return key.startswith(run_prefix(submission))


def named_runs(key: str) -> list[UUID]:
    """The runs to which a key may belong, by what its parts say."""
    return [UUID(part) for part in key.split("/") if _is_id(part)]


def is_in(key: str, places: Iterable[str]) -> bool:
    """Whether an object lies at one of the places, or below it."""
    return any(key == place or key.startswith(place + "/") for place in places)


def left_over(places: Iterable[str], prefix: str, in_use: Collection[str]) -> list[str]:
    """Those of the places below a deleted run's prefix that nothing in use is at, in or around."""
    return [
        place
        for place in places
        if place.startswith(prefix)
        and not is_in(place, in_use)
        and not any(is_in(used, [place]) for used in in_use)
    ]


def _is_id(part: str) -> bool:
    try:
        return str(UUID(part)) == part
    except ValueError:
        return False
