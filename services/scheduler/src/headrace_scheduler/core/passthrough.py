"""What an input of type TASK_CONFIG gets: the settings of its own task, for code that starts
further work with the same ones.

Source: KFP's `TaskConfigPassthrough`; the names are those of a Kubernetes pod.
"""

from __future__ import annotations

from typing import Any

from headrace_scheduler.core.plan import TaskPlan

_PLATFORM_FIELDS = {
    "KUBERNETES_TOLERATIONS": ("tolerations", "tolerations"),
    "KUBERNETES_AFFINITY": ("affinity", "nodeAffinity"),
}
"""Passthrough to the name that the code sees and the name in the platform settings."""


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
        elif passthrough.field in _PLATFORM_FIELDS:
            shown, name = _PLATFORM_FIELDS[passthrough.field]
            if name in plan.platform:
                config[shown] = plan.platform[name]
    return config


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
