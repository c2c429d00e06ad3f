"""Pipelines that are used as components: their parts become parts of the pipeline around them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headrace.graph.names import unique

Json = dict[str, Any]


def merge(graph: Mapping[str, Any], components: Json, executors: Json) -> tuple[Json, Json]:
    """Take in the components and executors of a pipeline, under names that are free.

    Args:
        graph: The IR of the pipeline; it is left as it is.
        components: The components of the pipeline around it, which get those of this one.
        executors: The executors of the pipeline around it, likewise.

    Returns:
        The component that its root is, and the new labels of its executors by the old.
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
        # a new name must be none that is still to come
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
