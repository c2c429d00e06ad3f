"""Writes IR to files: as YAML with a comment that lists inputs and outputs, as JSON, or as
Kubernetes manifests."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
_TYPES = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "LIST": "list",
    "STRUCT": "dict",
    "BOOLEAN": "bool",
    "TASK_FINAL_STATUS": "PipelineTaskFinalStatus",
    "TASK_CONFIG": "TaskConfig",
}


class KubernetesManifestOptions:
    """The fields of the manifests of a pipeline and its version besides the IR.

    Args:
        pipeline_name: The pipeline's name; default that in the IR.
        pipeline_display_name: The pipeline's display name; default its name.
        pipeline_version_name: The version's name; default the pipeline's name.
        pipeline_version_display_name: The version's display name; default its name.
        namespace: The namespace of both.
        include_pipeline_manifest: Whether to write a manifest of the pipeline too.
    """

    def __init__(
        self,
        pipeline_name: str | None = None,
        pipeline_display_name: str | None = None,
        pipeline_version_name: str | None = None,
        pipeline_version_display_name: str | None = None,
        namespace: str | None = None,
        include_pipeline_manifest: bool = False,
    ) -> None:
        self.pipeline_name = pipeline_name
        self.pipeline_display_name = pipeline_display_name
        self.pipeline_version_name = pipeline_version_name
        self.pipeline_version_display_name = pipeline_version_display_name
        self.namespace = namespace
        self.include_pipeline_manifest = include_pipeline_manifest

    def manifests(self, ir: Json, platform: Json, description: str | None) -> list[Json]:
        """The manifests of a compiled pipeline."""
        name = self.pipeline_name
        if name is None:
            name = ir["pipelineInfo"]["name"]
        version = self.pipeline_version_name or name
        spec: Json = {
            "displayName": self.pipeline_version_display_name or version,
            "pipelineName": name,
            "pipelineSpec": ir,
        }
        if platform:
            spec["platformSpec"] = platform
        made = [self._manifest("PipelineVersion", version, spec, description)]
        if self.include_pipeline_manifest:
            display = {"displayName": self.pipeline_display_name or name}
            made.insert(0, self._manifest("Pipeline", name, display, description))
        return made

    def _manifest(self, kind: str, name: str, spec: Json, description: str | None) -> Json:
        metadata = {"name": name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        if description:
            spec["description"] = description
        return {
            "apiVersion": "pipelines.kubeflow.org/v2beta1",
            "kind": kind,
            "metadata": metadata,
            "spec": spec,
        }


def write_package(ir: Json, platform: Json, path: str, description: str | None = None) -> None:
    """Write IR and platform spec to a file in the format of its extension.

    Raises:
        ValueError: The extension is not yaml, yml or json; there is a platform spec and the format
            is JSON; or an importer needs a workspace that the pipeline does not have.
    """
    check_workspace(ir, platform)
    if path.endswith(".json"):
        warnings.warn(
            "Compiling to JSON is deprecated and will be removed in a future version. Please "
            "compile to a YAML file by providing a file path with a .yaml extension instead.",
            category=DeprecationWarning,
            stacklevel=3,
        )
        if platform:
            raise ValueError(
                "Platform-specific features are only supported when serializing to YAML. Argument "
                f"for {path!r} has file extension '.json'."
            )
        text = json.dumps(ir, indent=2, sort_keys=True)
    elif path.endswith((".yaml", ".yml")):
        text = header_comment(ir, description) + yaml_text([ir, platform] if platform else [ir])
    else:
        raise ValueError(f'The output path {path} should end with ".yaml".')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def yaml_text(documents: list[Json]) -> str:
    """The documents as YAML with sorted keys."""
    import yaml

    fast = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(fast):  # type: ignore[misc, valid-type]
        """Writes objects that occur several times in full instead of as aliases."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return str(yaml.dump_all(documents, Dumper=Dumper, sort_keys=True))


def check_workspace(ir: Json, platform: Json) -> None:
    """Check that the pipeline has a workspace when an importer needs one.

    Raises:
        ValueError: It has none.
    """
    executors = ir.get("deploymentSpec", {}).get("executors", {})
    needed = any(each.get("importer", {}).get("downloadToWorkspace") for each in executors.values())
    platforms = platform.get("platforms", {})
    there = any("workspace" in each.get("pipelineConfig", {}) for each in platforms.values())
    if needed and not there:
        raise ValueError(
            "dsl.importer(download_to_workspace=True) requires PipelineConfig(workspace=...) on "
            "the pipeline: pipeline_config=dsl.PipelineConfig("
            "workspace=dsl.WorkspaceConfig(size='1Gi'))"
        )


def header_comment(ir: Json, description: str | None) -> str:
    """The comment at the top of a file: name, description, inputs and outputs."""
    lines = ["# PIPELINE DEFINITION", f"# Name: {ir['pipelineInfo']['name']}"]
    if description:
        lines.append("# Description: " + "\n#              ".join(description.splitlines()))
    for title, key in (("# Inputs:", "inputDefinitions"), ("# Outputs:", "outputDefinitions")):
        if key in ir["root"]:
            lines.append(title)
            lines += _definitions(ir["root"][key])
    return "\n".join(lines) + "\n"


def _definitions(definitions: Mapping[str, Any]) -> list[str]:
    lines: dict[str, str] = {}
    for name, parameter in definitions.get("parameters", {}).items():
        line = f"#    {name}: {_TYPES[parameter['parameterType']]}"
        if "defaultValue" in parameter:
            default = parameter["defaultValue"]
            shown = f"'{default}'" if isinstance(default, str) else str(default)
            line += " [Default: " + shown.replace("\n", "\\n") + "]"
        lines[name] = line
    for name, artifact in definitions.get("artifacts", {}).items():
        lines[name] = f"#    {name}: {artifact['artifactType']['schemaTitle']}"
    return [lines[name] for name in sorted(lines)]
