"""Translation of KFP's list parameters into those of the services behind the gateway.

The fields and values of filters and orders are rewritten; page tokens pass unchanged. KFP's lists
start with the oldest item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace_contracts.states import RunState, TaskState
from headrace_runtime.lists.filters import (
    LIST_OPERATIONS,
    Operation,
    Predicate,
    Scalar,
    filter_text,
    invalid_filter,
    parse_filter,
)

from headrace_ui_gateway.kfp.messages.errors import invalid
from headrace_ui_gateway.kfp.translate.runs import run_state, task_state

_ARCHIVED = {
    "ARCHIVED": True,
    "AVAILABLE": False,
    "STORAGESTATE_ARCHIVED": True,
    "STORAGESTATE_AVAILABLE": False,
}
"""KFP's values in v2beta1 and v1beta1."""
_TITLES = {
    **{name: f"system.{name}" for name in ("Artifact", "Model", "Dataset", "HTML", "Markdown")},
    "Metric": "system.Metrics",
    "ClassificationMetric": "system.ClassificationMetrics",
    "SlicedClassificationMetric": "system.SlicedClassificationMetrics",
}


@dataclass(frozen=True, slots=True)
class Paging:
    """List parameters as a client sent them."""

    page_token: str = ""
    page_size: int = 0
    sort_by: str = ""
    filter: str = ""


Rewrite = Callable[[Predicate], Predicate]


@dataclass(frozen=True, slots=True)
class ListFields:
    """The fields of a list, for filters and orders."""

    list_name: str
    names: Mapping[str, str]
    """Headrace's name of each of KFP's."""
    prefixes: tuple[str, ...] = ()
    """Prefixes of fields with a free part, such as a tag's name. They pass unchanged."""
    sort_prefixes: tuple[str, ...] = ()
    rewrites: Mapping[str, Rewrite] = field(default_factory=dict)
    """How to rewrite a predicate on a field, by Headrace's name, whose values differ."""
    default_order: str = "created_at asc"
    """Empty: the service's own default."""


def _names(identity: str, *same: str, **others: str) -> dict[str, str]:
    return {"id": identity, identity: identity, **dict(zip(same, same, strict=True)), **others}


def _archived(one: Predicate) -> Predicate:
    if one.operation not in (Operation.EQUALS, Operation.NOT_EQUALS, *LIST_OPERATIONS):
        raise invalid_filter(f"operation {one.operation} is not supported for {one.key!r}")
    for value in _values(one):
        if value not in _ARCHIVED:
            raise invalid_filter(f"{value!r} is not a storage state")
    values = tuple("true" if _ARCHIVED[str(value)] else "false" for value in _values(one))
    return Predicate(
        "archived", one.operation, values if one.operation in LIST_OPERATIONS else values[0]
    )


def _states(shown_as: Mapping[str, str]) -> Rewrite:
    """Rewrite a KFP state as Headrace's states that are shown as it; `shown_as` has KFP's state for
    each of Headrace's. A state that is never shown, such as CANCELED for runs, means Headrace's
    state of that name: a filter can then separate terminated runs from failed ones."""

    def own_states(state: str) -> list[str]:
        return [own for own, shown in shown_as.items() if shown == state] or [state]

    def rewrite(one: Predicate) -> Predicate:
        if any(not isinstance(value, str) for value in _values(one)):
            raise invalid_filter(f"{one.value!r} is not a state")
        states = [str(value).upper() for value in _values(one)]
        match one.operation:
            case Operation.EQUALS | Operation.IN:
                operation = Operation.IN
            case Operation.NOT_EQUALS | Operation.NOT_IN:
                operation = Operation.NOT_IN
            case Operation.IS_SUBSTRING:
                found = tuple(own for own, shown in shown_as.items() if states[0] in shown)
                return Predicate("state", Operation.IN, found)
            case _:
                raise invalid_filter(f"operation {one.operation} is not supported for {one.key!r}")
        found = tuple(dict.fromkeys(own for state in states for own in own_states(state)))
        return Predicate("state", operation, found)

    return rewrite


def _type(one: Predicate) -> Predicate:
    """Rewrite KFP's artifact type as a schema title; any other value is a title already."""
    titles = tuple(_TITLES.get(str(value), value) for value in _values(one))
    return Predicate(
        "type", one.operation, titles if one.operation in LIST_OPERATIONS else titles[0]
    )


def _values(one: Predicate) -> tuple[Scalar, ...]:
    return one.value if isinstance(one.value, tuple) else (one.value,)


RUNS = ListFields(
    "runs",
    _names(
        "run_id", "display_name", "created_at", "finished_at", "scheduled_at", "description",
        "state", "experiment_id", "recurring_run_id",
        name="display_name", status="state", storage_state="archived",
    ),
    sort_prefixes=("metric:",),
    rewrites={"archived": _archived, "state": _states({s.value: run_state(s) for s in RunState})},
)  # fmt: skip
EXPERIMENTS = ListFields(
    "experiments",
    _names(
        "experiment_id", "display_name", "created_at", "last_run_created_at", "description",
        name="display_name", storage_state="archived",
    ),
    rewrites={"archived": _archived},
)  # fmt: skip
PIPELINES = ListFields(
    "pipelines",
    _names("pipeline_id", "name", "display_name", "created_at", "description"),
    prefixes=("tags.",),
)
VERSIONS = ListFields(
    "pipeline versions",
    _names("pipeline_version_id", "name", "display_name", "created_at", "description"),
    prefixes=("tags.",),
)
RECURRING_RUNS = ListFields(
    "recurring runs",
    _names(
        "recurring_run_id", "display_name", "created_at", "updated_at", "description",
        name="display_name",
    ),
)  # fmt: skip
ARTIFACTS = ListFields(
    "artifacts",
    _names("artifact_id", "name", "type", "uri", "created_at", "run_id", "task_id"),
    rewrites={"type": _type},
)
ARTIFACT_TASKS = ListFields("artifact tasks", {}, default_order="")
TASKS = ListFields(
    "tasks",
    _names(
        "task_id", "name", "created_at", "run_id", "parent_task_id", "state",
        create_time="created_at",
    ),
    rewrites={"state": _states({s.value: task_state(s) for s in TaskState})},
)  # fmt: skip


def list_params(fields: ListFields, paging: Paging) -> tuple[dict[str, Any], str]:
    """The list parameters of the service behind the gateway, and the namespace in the filter
    (empty if there is none).

    Raises:
        RejectedError: the filter or the order is invalid, or names an unknown field.
    """
    predicates = parse_filter(paging.filter)
    namespaces = [one for one in predicates if one.key == "namespace"]
    rewritten = tuple(_rewrite(fields, one) for one in predicates if one.key != "namespace")
    order = _order(fields, paging.sort_by)
    parameters = {
        "filter": filter_text(rewritten) or None,
        "sort_by": order or (None if paging.page_token else fields.default_order or None),
        "page_size": paging.page_size,
        "page_token": paging.page_token or None,
    }
    return parameters, _namespace(namespaces)


def _namespace(predicates: list[Predicate]) -> str:
    if not predicates:
        return ""
    if len(predicates) > 1 or predicates[0].operation is not Operation.EQUALS:
        raise invalid_filter("a filter may have only one predicate on 'namespace', with EQUALS")
    return str(predicates[0].value)


def _order(fields: ListFields, text: str) -> str:
    words = text.split()
    if not words:
        return ""
    direction = "asc"
    if len(words) > 1 and words[-1].lower() in ("asc", "desc"):
        direction = words.pop().lower()
    key = " ".join(words)
    if not key.startswith(fields.sort_prefixes or ("\0",)):
        known = fields.names.get(key.lower())
        if known is None:
            raise invalid(f"{fields.list_name} cannot be sorted by {key!r}", "sort_by")
        key = known
    return f"{key} {direction}"


def _rewrite(fields: ListFields, one: Predicate) -> Predicate:
    key = one.key if one.key.startswith(fields.prefixes or ("\0",)) else fields.names.get(one.key)
    if key is None:
        raise invalid_filter(f"no support for filtering on unrecognized field {one.key!r}")
    rewrite = fields.rewrites.get(key)
    return Predicate(key, one.operation, one.value) if rewrite is None else rewrite(one)
