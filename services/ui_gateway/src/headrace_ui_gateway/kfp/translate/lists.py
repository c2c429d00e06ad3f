"""What KFP's clients ask of lists, in the words of the services behind.

Filters and orders are rewritten, key by key and word by word; page tokens are not touched. KFP's
lists begin with what was created first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace_contracts.states import RunState, TaskState
from headrace_runtime.lists.filters import (
    SEVERAL,
    Operation,
    Predicate,
    Scalar,
    filter_text,
    parse_filter,
    refused,
)

from headrace_ui_gateway.kfp.messages.errors import invalid
from headrace_ui_gateway.kfp.translate.runs import run_state, task_state

_ARCHIVED = {
    "ARCHIVED": True,
    "AVAILABLE": False,
    "STORAGESTATE_ARCHIVED": True,
    "STORAGESTATE_AVAILABLE": False,
}
"""KFP's words of today and of its first API."""
_TITLES = {
    **{name: f"system.{name}" for name in ("Artifact", "Model", "Dataset", "HTML", "Markdown")},
    "Metric": "system.Metrics",
    "ClassificationMetric": "system.ClassificationMetrics",
    "SlicedClassificationMetric": "system.SlicedClassificationMetrics",
}


@dataclass(frozen=True, slots=True)
class Paging:
    """What a client asks of a list, as it came."""

    page_token: str = ""
    page_size: int = 0
    sort_by: str = ""
    filter: str = ""


Rewrite = Callable[[Predicate], Predicate]


@dataclass(frozen=True, slots=True)
class Keys:
    """A list's keys: KFP's names for a field, and ours."""

    name: str
    names: Mapping[str, str]
    prefixes: tuple[str, ...] = ()
    """Of keys with a free part, which stays as it is."""
    sort_prefixes: tuple[str, ...] = ()
    words: Mapping[str, Rewrite] = field(default_factory=dict)
    """How a predicate on one of our names is rewritten whose values have other words."""
    first: str = "created_at asc"
    """The order where none is asked for; empty leaves it to the list."""


def _keys(identity: str, *same: str, **others: str) -> dict[str, str]:
    return {"id": identity, identity: identity, **dict(zip(same, same, strict=True)), **others}


def _archived(one: Predicate) -> Predicate:
    if one.operation not in (Operation.EQUALS, Operation.NOT_EQUALS, *SEVERAL):
        raise refused(f"{one.operation} does not go with {one.key!r}")
    for value in _values(one):
        if value not in _ARCHIVED:
            raise refused(f"{value!r} is not a storage state")
    words = tuple("true" if _ARCHIVED[str(value)] else "false" for value in _values(one))
    return Predicate("archived", one.operation, words if one.operation in SEVERAL else words[0])


def _states(said: Mapping[str, str]) -> Rewrite:
    """A state of KFP's as those of ours that are shown as it, which `said` tells. One that is
    never shown, such as CANCELED of a run, means ours of that name: it tells what was terminated
    from what failed."""

    def ours(word: str) -> list[str]:
        return [state for state, shown in said.items() if shown == word] or [word]

    def rewrite(one: Predicate) -> Predicate:
        if any(not isinstance(value, str) for value in _values(one)):
            raise refused(f"{one.value!r} is not a state")
        words = [str(value).upper() for value in _values(one)]
        match one.operation:
            case Operation.EQUALS | Operation.IN:
                operation = Operation.IN
            case Operation.NOT_EQUALS | Operation.NOT_IN:
                operation = Operation.NOT_IN
            case Operation.IS_SUBSTRING:
                found = tuple(state for state, shown in said.items() if words[0] in shown)
                return Predicate("state", Operation.IN, found)
            case _:
                raise refused(f"{one.operation} does not go with {one.key!r}")
        found = tuple(dict.fromkeys(state for word in words for state in ours(word)))
        return Predicate("state", operation, found)

    return rewrite


def _type(one: Predicate) -> Predicate:
    """A kind of artifact as the title of its type; any other text is a title itself."""
    titles = tuple(_TITLES.get(str(value), value) for value in _values(one))
    return Predicate("type", one.operation, titles if one.operation in SEVERAL else titles[0])


def _values(one: Predicate) -> tuple[Scalar, ...]:
    return one.value if isinstance(one.value, tuple) else (one.value,)


RUNS = Keys(
    "runs",
    _keys(
        "run_id", "display_name", "created_at", "finished_at", "scheduled_at", "description",
        "state", "experiment_id", "recurring_run_id",
        name="display_name", status="state", storage_state="archived",
    ),
    sort_prefixes=("metric:",),
    words={"archived": _archived, "state": _states({s.value: run_state(s) for s in RunState})},
)  # fmt: skip
EXPERIMENTS = Keys(
    "experiments",
    _keys(
        "experiment_id", "display_name", "created_at", "last_run_created_at", "description",
        name="display_name", storage_state="archived",
    ),
    words={"archived": _archived},
)  # fmt: skip
PIPELINES = Keys(
    "pipelines",
    _keys("pipeline_id", "name", "display_name", "created_at", "description"),
    prefixes=("tags.",),
)
VERSIONS = Keys(
    "pipeline versions",
    _keys("pipeline_version_id", "name", "display_name", "created_at", "description"),
    prefixes=("tags.",),
)
RECURRING_RUNS = Keys(
    "recurring runs",
    _keys(
        "recurring_run_id", "display_name", "created_at", "updated_at", "description",
        name="display_name",
    ),
)  # fmt: skip
ARTIFACTS = Keys(
    "artifacts",
    _keys("artifact_id", "name", "type", "uri", "created_at", "run_id", "task_id"),
    words={"type": _type},
)
ARTIFACT_TASKS = Keys("artifact tasks", {}, first="")
TASKS = Keys(
    "tasks",
    _keys(
        "task_id", "name", "created_at", "run_id", "parent_task_id", "state",
        create_time="created_at",
    ),
    words={"state": _states({s.value: task_state(s) for s in TaskState})},
)  # fmt: skip


def asked(keys: Keys, paging: Paging) -> tuple[dict[str, Any], str]:
    """The list's parameters for the service behind, and the namespace that the filter names.

    Raises:
        RejectedError: the filter or the order is not of the grammar, or names an unknown key.
    """
    predicates = parse_filter(paging.filter)
    namespaces = [one for one in predicates if one.key == "namespace"]
    rewritten = tuple(_rewritten(keys, one) for one in predicates if one.key != "namespace")
    order = _order(keys, paging.sort_by)
    parameters = {
        "filter": filter_text(rewritten) or None,
        "sort_by": order or (None if paging.page_token else keys.first or None),
        "page_size": paging.page_size,
        "page_token": paging.page_token or None,
    }
    return parameters, _namespace(namespaces)


def _namespace(predicates: list[Predicate]) -> str:
    if not predicates:
        return ""
    if len(predicates) > 1 or predicates[0].operation is not Operation.EQUALS:
        raise refused("a list is of one namespace: EQUALS, and once")
    return str(predicates[0].value)


def _order(keys: Keys, text: str) -> str:
    words = text.split()
    if not words:
        return ""
    direction = "asc"
    if len(words) > 1 and words[-1].lower() in ("asc", "desc"):
        direction = words.pop().lower()
    key = " ".join(words)
    if not key.startswith(keys.sort_prefixes or ("\0",)):
        known = keys.names.get(key.lower())
        if known is None:
            raise invalid(f"{keys.name} cannot be sorted by {key!r}", "sort_by")
        key = known
    return f"{key} {direction}"


def _rewritten(keys: Keys, one: Predicate) -> Predicate:
    key = one.key if one.key.startswith(keys.prefixes or ("\0",)) else keys.names.get(one.key)
    if key is None:
        raise refused(f"no support for filtering on unrecognized field {one.key!r}")
    rewrite = keys.words.get(key)
    return Predicate(key, one.operation, one.value) if rewrite is None else rewrite(one)
