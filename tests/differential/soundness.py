"""Finds dangling references in IR."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def faults(ir: dict[str, Any]) -> list[str]:
    """The dangling references."""
    components = ir.get("components", {})
    executors = ir.get("deploymentSpec", {}).get("executors", {})
    found: list[str] = []
    for name, component in {"root": ir["root"], **components}.items():
        if component.get("executorLabel", "") not in {"", *executors}:
            found.append(f"{name}: no executor {component['executorLabel']}")
        if not component.get("dag", {}).get("tasks") and "executorLabel" not in component:
            found.append(f"{name}: neither a step nor a DAG")
        found += [f"{name}: {fault}" for fault in _dag(component, components)]
    return found


def _dag(component: dict[str, Any], components: dict[str, Any]) -> Iterator[str]:
    tasks = component.get("dag", {}).get("tasks", {})
    made = {name: components.get(task["componentRef"]["name"]) for name, task in tasks.items()}
    for name, task in tasks.items():
        if made[name] is None:
            yield f"{name} has no component"
            continue
        for kind, word in (("parameters", "Parameter"), ("artifacts", "Artifact")):
            for key, given in task.get("inputs", {}).get(kind, {}).items():
                if key not in _names(made[name], "inputDefinitions", kind) and not key.startswith(
                    ("pipelinechannel--", "cpu_", "memory_", "accelerator_", "base_image")
                ):
                    yield f"{name} has no input {key}"
                source = given.get(f"componentInput{word}")
                if source and source not in _names(component, "inputDefinitions", kind):
                    yield f"{name}.{key} is of no input {source}"
                output = given.get(f"taskOutput{word}")
                if output and not _is_made(made, output, f"output{word}Key", kind):
                    yield f"{name}.{key} is of no output {output}"
        for other in task.get("dependentTasks", ()):
            if other not in tasks:
                yield f"{name} waits for no task {other}"
    yield from _outputs(component, made)


def _outputs(component: dict[str, Any], made: dict[str, Any]) -> Iterator[str]:
    outputs = component.get("dag", {}).get("outputs", {})
    for name, output in outputs.get("parameters", {}).items():
        one = [output["valueFromParameter"]] if "valueFromParameter" in output else []
        for source in one or output["valueFromOneof"]["parameterSelectors"]:
            if not _is_made(made, source, "outputParameterKey", "parameters"):
                yield f"the output {name} is of no output {source}"
    for name, output in outputs.get("artifacts", {}).items():
        for source in output["artifactSelectors"]:
            if not _is_made(made, source, "outputArtifactKey", "artifacts"):
                yield f"the output {name} is of no output {source}"


def _is_made(made: dict[str, Any], source: dict[str, Any], key: str, kind: str) -> bool:
    producer = source.get("producerTask") or source.get("producerSubtask")
    component = made.get(str(producer))
    return component is not None and source[key] in _names(component, "outputDefinitions", kind)


def _names(component: dict[str, Any], side: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = component.get(side, {}).get(kind, {})
    return found
