"""Settings for the nodes that a step's pod can run on: selectors, tolerations, affinity."""

from __future__ import annotations

from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.task import PipelineTask
from headrace.kubernetes import settings

_OPERATORS = ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")  # codespell:ignore notin
_AFFINITY_KEYS = (
    "preferredDuringSchedulingIgnoredDuringExecution",
    "requiredDuringSchedulingIgnoredDuringExecution",
)


def add_node_selector(task: PipelineTask, label_key: str, label_value: str) -> PipelineTask:
    """Run the pod only on nodes with a label."""
    labels = settings.of_task(task).setdefault("nodeSelector", {}).setdefault("labels", {})
    labels[settings.check_str(label_key, "label_key")] = settings.check_str(
        label_value, "label_value"
    )
    return task


def add_node_selector_json(
    task: PipelineTask, node_selector_json: PipelineParameterChannel | dict[str, Any]
) -> PipelineTask:
    """Run the pod only on nodes with labels, given as a dict or a channel."""
    written = settings.value_source(node_selector_json, task)
    settings.of_task(task).setdefault("nodeSelector", {})["nodeSelectorJson"] = written
    return task


def add_toleration(
    task: PipelineTask,
    key: str | None = None,
    operator: str | None = None,
    value: str | None = None,
    effect: str | None = None,
    toleration_seconds: int | None = None,
) -> PipelineTask:
    """Let the pod run on nodes with a taint.

    Args:
        key: The taint's key; default all taints.
        operator: ``Equal`` or ``Exists``.
        value: The taint's value.
        effect: ``NoExecute``, ``NoSchedule`` or ``PreferNoSchedule``.
        toleration_seconds: How many seconds a ``NoExecute`` taint is tolerated.
    """
    written = settings.without_empty(key=key, operator=operator, value=value, effect=effect)
    for name, each in written.items():
        settings.check_str(each, name)
    if toleration_seconds is not None:
        seconds = settings.check_int(toleration_seconds, "toleration_seconds")
        written["tolerationSeconds"] = str(seconds)
    settings.list_of(task, "tolerations").append(written)
    return task


def add_toleration_json(
    task: PipelineTask, toleration_json: PipelineParameterChannel | list[Any] | dict[str, Any]
) -> PipelineTask:
    """Let the pod run on nodes with taints, given as a toleration, a list of them, or a channel.

    Raises:
        ValueError: It is not a dict, list or parameter.
    """
    if isinstance(toleration_json, PipelineParameterChannel):
        written = {"tolerationJson": settings.value_source(toleration_json, task)}
        settings.list_of(task, "tolerations").append(written)
        return task
    if not isinstance(toleration_json, (list, dict)):
        raise ValueError("toleration_json must be a dict, list, or input parameter")
    for each in [toleration_json] if isinstance(toleration_json, dict) else toleration_json:
        add_toleration(
            task,
            key=each.get("key"),
            operator=each.get("operator"),
            value=each.get("value"),
            effect=each.get("effect"),
            toleration_seconds=each.get("toleration_seconds"),
        )
    return task


def add_node_affinity(
    task: PipelineTask,
    match_expressions: list[dict[str, Any]] | None = None,
    match_fields: list[dict[str, Any]] | None = None,
    weight: int | None = None,
) -> PipelineTask:
    """Require or prefer nodes that match.

    Args:
        match_expressions: Requirements of labels: dicts with `key`, `operator` and `values`.
        match_fields: Requirements of fields of the node, likewise.
        weight: From 1 to 100 to prefer such nodes; None to require them.

    Raises:
        ValueError: A key or operator is missing or unknown, or the weight is out of range.
    """
    written = settings.without_empty(
        matchExpressions=_requirements(match_expressions, "match_expression"),
        matchFields=_requirements(match_fields, "match_field"),
    )
    if weight is not None:
        if not 1 <= weight <= 100:
            raise ValueError(f"weight must be between 1 and 100, got {weight}.")
        written["weight"] = weight
    settings.list_of(task, "nodeAffinity").append(written)
    return task


def _requirements(terms: list[dict[str, Any]] | None, kind: str) -> list[dict[str, Any]]:
    written = []
    for term in terms or []:
        key, operator = term.get("key"), term.get("operator")
        if not key:
            raise ValueError(f"Each {kind} must have a non-empty 'key'.")
        if not operator:
            raise ValueError(f"Each {kind} for key '{key}' must have a non-empty 'operator'.")
        if operator not in _OPERATORS:
            raise ValueError(
                f"Invalid operator '{operator}' for key '{key}' in {kind}. Must be one of "
                f"{list(_OPERATORS)}."
            )
        found = [settings.check_str(each, "value") for each in term.get("values", [])]
        written.append(settings.without_empty(key=key, operator=operator, values=found))
    return written


def add_node_affinity_json(
    task: PipelineTask, node_affinity_json: PipelineParameterChannel | dict[str, Any]
) -> PipelineTask:
    """Set the node affinity as JSON, given as a dict or a channel; replaces an earlier one.

    Raises:
        ValueError: The dict has a key that a node affinity does not have.
    """
    if isinstance(node_affinity_json, dict):
        unknown = [key for key in node_affinity_json if key not in _AFFINITY_KEYS]
        if unknown:
            raise ValueError(
                f"Invalid V1NodeAffinity JSON: unknown keys {unknown}; it has "
                f"{' and '.join(_AFFINITY_KEYS)}."
            )
    written = {"nodeAffinityJson": settings.value_source(node_affinity_json, task)}
    terms = settings.list_of(task, "nodeAffinity")
    terms[:] = [term for term in terms if "nodeAffinityJson" not in term]
    terms.append(written)
    return task
