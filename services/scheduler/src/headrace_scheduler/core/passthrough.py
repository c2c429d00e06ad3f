"""A step's platform settings: those that parameters give, and what an input of type TASK_CONFIG
gets of them, for code that starts further work with the same ones.

Source: KFP's `kubernetes_executor_config.proto` and `TaskConfigPassthrough`; the names that code
sees are those of a Kubernetes pod.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace_scheduler.core.plan import TaskPlan

_BY_PARAMETER = ("Parameter", "Json")
"""How the names of settings end that hold where a value comes from, rather than a value."""
_SOURCES = ("taskOutputParameter", "runtimeValue", "componentInputParameter")


def filled_in(
    settings: Mapping[str, Any], value_of: Callable[[str, dict[str, Any]], Any]
) -> dict[str, Any]:
    """The settings with values in place of where they come from: ``secretNameParameter`` gives
    ``secretName``, ``tolerationJson`` keeps its name. An entry of a list whose value is null is
    left out, as on KFP."""
    filled = _filled(dict(settings), value_of)
    return filled if filled is not _NOTHING else {}


_NOTHING: dict[str, Any] = {}


def _filled(setting: Any, value_of: Callable[[str, dict[str, Any]], Any]) -> Any:
    if isinstance(setting, list):
        entries = [_filled(entry, value_of) for entry in setting]
        return [entry for entry in entries if entry is not _NOTHING]
    if not isinstance(setting, dict):
        return setting
    filled: dict[str, Any] = {}
    for name, value in setting.items():
        comes_from = isinstance(value, dict) and any(source in value for source in _SOURCES)
        if not (name.endswith(_BY_PARAMETER) and comes_from):
            filled[name] = _filled(value, value_of)
            continue
        found = value_of(name, value)
        if found is None:
            return _NOTHING
        filled[name.removesuffix("Parameter")] = found
    return filled


def task_config(plan: TaskPlan) -> dict[str, Any]:
    """The settings that the component asks for, as far as the task has them."""
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
    """A pod's node affinity: terms with a weight are preferred, the others required."""
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
