"""Which run an object in the deployment's bucket belongs to, judged by its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from headrace_contracts.object_keys import prefix_of_submission


def belongs_to(key: str, submission: Mapping[str, Any]) -> bool:
    """Whether the object is in the folder of a run, given the JSON of its `run.submitted`."""
    return key.startswith(prefix_of_submission(submission))


def named_runs(key: str) -> list[UUID]:
    """The run ids that occur as a part of the key; any of them may own the object."""
    return [UUID(part) for part in key.split("/") if _is_id(part)]


def unused(keys: Iterable[str], in_use: Iterable[str]) -> list[str]:
    """The keys that are neither in use nor below a key in use."""
    used = frozenset(key.rstrip("/") for key in in_use)
    folders = tuple(key + "/" for key in used)
    return [key for key in keys if key not in used and not key.startswith(folders)]


def _is_id(part: str) -> bool:
    try:
        return str(UUID(part)) == part
    except ValueError:
        return False
