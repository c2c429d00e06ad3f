"""The compiler's interface: writes pipelines and components to files."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headrace.authoring.components import BaseComponent
from headrace.ir import values
from headrace.ir.write import KubernetesManifestOptions, write_package, yaml_text


class Compiler:
    """Compiles pipelines and components to files."""

    def compile(
        self,
        pipeline_func: BaseComponent,
        package_path: str,
        pipeline_name: str | None = None,
        pipeline_display_name: str | None = None,
        pipeline_parameters: Mapping[str, Any] | None = None,
        type_check: bool = True,
        kubernetes_manifest_options: KubernetesManifestOptions | None = None,
        kubernetes_manifest_format: bool = False,
    ) -> None:
        """Write a pipeline or a component to a file.

        Args:
            pipeline_func: A function with ``@dsl.pipeline`` or ``@dsl.component``, or a loaded
                component.
            package_path: The file's path, which ends with ``.yaml``.
            pipeline_name: The pipeline's name, instead of the function's.
            pipeline_display_name: The pipeline's display name.
            pipeline_parameters: Defaults of inputs, instead of the function's.
            type_check: Ignored, accepted for compatibility with KFP: types are checked when the
                pipeline is defined.
            kubernetes_manifest_options: Fields of the manifests besides the IR.
            kubernetes_manifest_format: Whether to write Kubernetes manifests instead of plain IR.

        Raises:
            ValueError: `pipeline_func` is not a pipeline or component, the file's extension is
                unknown, or a default has no matching input.
            TypeError: A default does not have its input's type.
        """
        if not isinstance(pipeline_func, BaseComponent):
            raise ValueError(
                "Unsupported pipeline_func type. Expected a function with @dsl.pipeline or a "
                f"component. Got: {type(pipeline_func)}"
            )
        ir = _overridden(
            pipeline_func.pipeline_spec, pipeline_name, pipeline_display_name, pipeline_parameters
        )
        platform, description = pipeline_func.platform_spec, pipeline_func.description
        if not kubernetes_manifest_format:
            write_package(ir, platform, package_path, description)
            return
        options = kubernetes_manifest_options or KubernetesManifestOptions()
        text = yaml_text(options.manifests(ir, platform, description))
        with open(package_path, "w", encoding="utf-8") as file:
            file.write(text)


def _overridden(
    ir: dict[str, Any],
    name: str | None,
    display_name: str | None,
    defaults: Mapping[str, Any] | None,
) -> dict[str, Any]:
    if name is None and display_name is None and not defaults:
        return ir
    ir = copy.deepcopy(ir)
    if name is not None:
        ir["pipelineInfo"]["name"] = name
    if display_name is not None:
        ir["pipelineInfo"]["displayName"] = display_name
    inputs = ir["root"].get("inputDefinitions", {})
    for key, value in (defaults or {}).items():
        if key in inputs.get("artifacts", {}):
            raise NotImplementedError("Default value for artifact input is not supported.")
        parameter = inputs.get("parameters", {}).get(key)
        if parameter is None:
            raise ValueError(f"Pipeline parameter {key} does not match any known pipeline input.")
        if value is not None:
            parameter["defaultValue"] = values.default(value, parameter["parameterType"], key)
    return ir
