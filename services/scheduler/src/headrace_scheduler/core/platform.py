"""A step's platform settings: references to parameters in them, and the settings that an input of
type TASK_CONFIG passes to the step's code.

Source: KFP's `kubernetes_executor_config.proto` and `TaskConfigPassthrough`; the names that the
code sees are those of a Kubernetes pod.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace_scheduler.core.plan import TaskPlan

_BY_PARAMETER = ("Parameter", "Json")
"""Suffixes of settings that can hold a reference instead of a value."""
_SOURCES = ("taskOutputParameter", "runtimeValue", "componentInputParameter")


def resolve_settings(
    settings: Mapping[str, Any], value_of: Callable[[str, dict[str, Any]], Any]
) -> dict[str, Any]:
    """The settings with values in place of references: ``secretNameParameter`` becomes
    ``secretName``, ``tolerationJson`` keeps its name. List entries whose reference has no value are
    omitted, as on KFP."""
    filled = _resolve(dict(settings), value_of)
    return filled if filled is not _NOTHING else {}


_NOTHING: dict[str, Any] = {}


def _resolve(setting: Any, value_of: Callable[[str, dict[str, Any]], Any]) -> Any:
    if isinstance(setting, list):
        entries = [_resolve(entry, value_of) for entry in setting]
        return [entry for entry in entries if entry is not _NOTHING]
    if not isinstance(setting, dict):
        return setting
    filled: dict[str, Any] = {}
    for name, value in setting.items():
        is_reference = isinstance(value, dict) and any(source in value for source in _SOURCES)
        if not (name.endswith(_BY_PARAMETER) and is_reference):
            filled[name] = _resolve(value, value_of)
            continue
        found = value_of(name, value)
        if found is None:
            return _NOTHING
        filled[name.removesuffix("Parameter")] = found
    return filled


def task_config(plan: TaskPlan) -> dict[str, Any]:
    """Those of the settings that the component requests which the task has."""
    container = plan.container
    config: dict[str, Any] = {}
    for passthrough in plan.component.task_config_passthroughs:
        if passthrough.field == "RESOURCES" and container and container.resources:
            config["resources"] = _resources(container.resources)
        elif passthrough.field == "ENV" and container and container.env:
            config["env"] = [{"name": v.name, "value": v.value} for v in container.env]
        elif passthrough.field == "KUBERNETES_NODE_SELECTOR" and "nodeSelector" in plan.platform:
            config["nodeSelector"] = plan.platform["nodeSelector"].get("labels", {})
        elif passthrough.field == "KUBERNETES_TOLERATIONS" and "tolerations" in plan.platform:
            config["tolerations"] = plan.platform["tolerations"]
        elif passthrough.field == "KUBERNETES_AFFINITY" and "nodeAffinity" in plan.platform:
            config["affinity"] = {"nodeAffinity": _affinity(plan.platform["nodeAffinity"])}
    return config


def _affinity(terms: list[dict[str, Any]]) -> dict[str, Any]:
    """The node affinity of a pod: terms with a weight are preferred, others required."""
    required = [_term(term) for term in terms if not term.get("weight")]
    preferred = [
        {"weight": term["weight"], "preference": _term(term)}
        for term in terms
        if term.get("weight")
    ]
    affinity: dict[str, Any] = {}
    if required:
        key = "requiredDuringSchedulingIgnoredDuringExecution"
        affinity[key] = {"nodeSelectorTerms": required}
    if preferred:
        affinity["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    return affinity


def _term(term: dict[str, Any]) -> dict[str, Any]:
    return {name: term[name] for name in ("matchExpressions", "matchFields") if term.get(name)}


def _resources(given: dict[str, Any]) -> dict[str, Any]:
    pairs = (
        ("limits", "cpu", "resourceCpuLimit"),
        ("limits", "memory", "resourceMemoryLimit"),
        ("requests", "cpu", "resourceCpuRequest"),
        ("requests", "memory", "resourceMemoryRequest"),
    )
    found: dict[str, Any] = {}
    for kind, name, key in pairs:
        if given.get(key):
            found.setdefault(kind, {})[name] = given[key]
    accelerator = given.get("accelerator") or {}
    if accelerator.get("resourceType"):
        count = accelerator.get("resourceCount", "1")
        found.setdefault("limits", {})[accelerator["resourceType"]] = count
    return found
