"""To which run an object in the deployment's bucket belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headrace_contracts.places import run_prefix


def is_of(key: str, submission: Mapping[str, Any]) -> bool:
    """Whether an object lies among what the steps of a run leave."""
    return key.startswith(run_prefix(submission))


def named_runs(key: str) -> list[UUID]:
    """The runs to which a key may belong, by what its parts say."""
    return [UUID(part) for part in key.split("/") if _is_id(part)]


def _is_id(part: str) -> bool:
    try:
        return str(UUID(part)) == part
    except ValueError:
        return False
