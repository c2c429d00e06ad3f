"""Reads components from IR: single steps and pipelines."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any

from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, Container, InputSpec, OutputSpec
from headrace.graph.names import component_key, executor_label
from headrace.ir import values

Json = dict[str, Any]
_HEADING = "# Description: "
_MORE = "#             "
"""How a further line of the description starts; a space and its text follow."""


def component_from_ir(spec: Json, platform: Json, text: str) -> tuple[ComponentSpec, Json]:
    """The component in IR, and the IR as the compiler would write it.

    Args:
        spec: The IR.
        platform: The platform spec; empty when there is none.
        text: The YAML of both; its leading comment can contain a description.

    Raises:
        ValueError: A required part is missing, or a type is unknown.
    """
    name = (spec.get("pipelineInfo") or {}).get("name")
    if not name or not spec.get("root") or not spec.get("components"):
        raise ValueError(
            "The text is not a component. IR must have `pipelineInfo.name`, `components` and "
            "`root`; a component file of version 1 must have `implementation`."
        )
    ir = canonical(spec)
    root = ir["root"]
    container = _single_step(ir, name)
    component = ir["components"][component_key(name)] if container else root
    description = _docstring(container) if container else None
    made = ComponentSpec(
        name=name,
        inputs=_inputs(component.get("inputDefinitions", {})),
        outputs=_outputs(component.get("outputDefinitions", {})),
        description=description or _comment_description(text),
        container=container,
        graph=None if container else ir,
        platform=_canonical_platform(platform),
    )
    return made, ir


def _single_step(ir: Json, name: str) -> Container | None:
    """The container of IR that was compiled from a single component; None for other IR."""
    executor = ir.get("deploymentSpec", {}).get("executors", {}).get(executor_label(name), {})
    tasks = ir["root"].get("dag", {}).get("tasks", {})
    is_single = len(tasks) == 1 and component_key(name) in ir.get("components", {})
    if not is_single or "container" not in executor:
        return None
    container = executor["container"]
    env = {each["name"]: each.get("value", "") for each in container.get("env", [])}
    return Container(
        image=container["image"],
        command=list(container.get("command", [])),
        args=list(container.get("args", [])),
        env=env,
    )


def _inputs(definitions: Mapping[str, Any]) -> dict[str, InputSpec]:
    found: dict[str, InputSpec] = {}
    for name, parameter in definitions.get("parameters", {}).items():
        found[name] = InputSpec(
            _type_name(parameter["parameterType"]),
            default=parameter.get("defaultValue"),
            optional=parameter.get("isOptional", "defaultValue" in parameter),
        )
    for name, artifact in definitions.get("artifacts", {}).items():
        found[name] = InputSpec(
            _artifact_name(artifact),
            optional=artifact.get("isOptional", False),
            is_artifact_list=artifact.get("isArtifactList", False),
        )
    return found


def _outputs(definitions: Mapping[str, Any]) -> dict[str, OutputSpec]:
    found: dict[str, OutputSpec] = {}
    for name, parameter in definitions.get("parameters", {}).items():
        found[name] = OutputSpec(_type_name(parameter["parameterType"]))
    for name, artifact in definitions.get("artifacts", {}).items():
        found[name] = OutputSpec(_artifact_name(artifact), artifact.get("isArtifactList", False))
    return found


def _type_name(ir_type: str) -> str:
    if ir_type not in types.NAMES_BY_IR_TYPE:
        raise ValueError(f"Unknown type {ir_type} found in IR.")
    return types.NAMES_BY_IR_TYPE[ir_type]


def _artifact_name(artifact: Mapping[str, Any]) -> str:
    kind = artifact["artifactType"]
    return types.bundle(kind["schemaTitle"], kind["schemaVersion"])


def _docstring(container: Container) -> str | None:
    """The docstring in the source of a Python component."""
    for element in container.command:
        if "import kfp" in element:
            try:
                tree = ast.parse(element)
            except SyntaxError:
                continue
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
                    docstring = ast.get_docstring(node)
                    if docstring:
                        return docstring
    return None


def _comment_description(text: str) -> str | None:
    """The description in the leading comment of a file that the compiler wrote."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(_HEADING):
            found = [line[len(_HEADING) :]]
            for more in lines[number + 1 :]:
                if not more.startswith(_MORE):
                    break
                found.append(more[len(_MORE) + 1 :])
            return "\n".join(found)
        if not line.startswith("#"):
            break
    return None


def canonical(ir: Json) -> Json:
    """IR as the compiler writes it: every number in a value is a double."""
    ir = copy.deepcopy(ir)
    if "deploymentSpec" in ir:
        ir["deploymentSpec"] = values.to_struct(ir["deploymentSpec"])
    for component in [ir.get("root") or {}, *ir.get("components", {}).values()]:
        for parameter in component.get("inputDefinitions", {}).get("parameters", {}).values():
            if "defaultValue" in parameter:
                parameter["defaultValue"] = values.to_struct(parameter["defaultValue"])
        for task in component.get("dag", {}).get("tasks", {}).values():
            for given in task.get("inputs", {}).get("parameters", {}).values():
                if "constant" in given.get("runtimeValue", {}):
                    constant = given["runtimeValue"]["constant"]
                    given["runtimeValue"]["constant"] = values.to_struct(constant)
    return ir


def _canonical_platform(platform: Json) -> Json:
    platform = copy.deepcopy(platform)
    for spec in platform.get("platforms", {}).values():
        deployment = spec.get("deploymentSpec", {})
        if "executors" in deployment:
            deployment["executors"] = values.to_struct(deployment["executors"])
    return platform
