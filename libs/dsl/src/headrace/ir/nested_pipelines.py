"""Pipelines used as components: their parts are merged into the outer pipeline's IR."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headrace.graph.names import unique

Json = dict[str, Any]


def merge_pipeline(
    graph: Mapping[str, Any], components: Json, executors: Json
) -> tuple[Json, Json]:
    """Add a pipeline's components and executors to the outer pipeline, under unused names.

    Args:
        graph: The IR of the pipeline; it is not changed.
        components: The outer pipeline's components, which are extended.
        executors: The outer pipeline's executors, which are extended.

    Returns:
        The component for the pipeline's root, and its executors' new labels by the old ones.
    """
    own = graph.get("deploymentSpec", {}).get("executors", {})
    labels = _renamed(own, executors)
    for label, written in own.items():
        executors[labels[label]] = copy.deepcopy(written)
    inner = graph.get("components", {})
    names = _renamed(inner, components)
    for name, written in inner.items():
        components[names[name]] = _rewritten(written, names, labels)
    return _rewritten(graph["root"], names, labels), labels


def _renamed(own: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, str]:
    names: dict[str, str] = {}
    used = {*taken}
    for name in own:
        # a new name must also differ from the names that are not yet processed
        names[name] = unique(name, used if name not in used else used | own.keys())
        used.add(names[name])
    return names


def _rewritten(component: Json, names: Mapping[str, str], labels: Mapping[str, str]) -> Json:
    written = copy.deepcopy(component)
    if "executorLabel" in written:
        written["executorLabel"] = labels.get(written["executorLabel"], written["executorLabel"])
    for task in written.get("dag", {}).get("tasks", {}).values():
        name = task["componentRef"]["name"]
        task["componentRef"]["name"] = names.get(name, name)
    return written
