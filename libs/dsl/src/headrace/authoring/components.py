"""The classes of components, which create tasks when they are called in a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec
from headrace.graph.pipeline import caching_by_default, current
from headrace.graph.task import PipelineTask


class BaseComponent:
    """A component. Calling it in a pipeline's function, with arguments for its inputs, creates a
    task."""

    def __init__(self, component_spec: ComponentSpec) -> None:
        self.component_spec = component_spec
        self.name = component_spec.name
        self.description = component_spec.description or None

    def __call__(self, *args: Any, **kwargs: Any) -> PipelineTask:
        """Create a task.

        Raises:
            TypeError: An argument is missing, unknown, or positional.
            InconsistentTypeException: An argument does not have its input's type.
            RuntimeError: No pipeline is being defined.
        """
        if args:
            raise TypeError(
                "Components must be instantiated using keyword arguments. Positional parameters "
                f"are not allowed (found {len(args)} such parameters for component "
                f'"{self.name}").'
            )
        inputs = self.component_spec.inputs
        for name in kwargs:
            if name not in inputs or inputs[name].type == types.FINAL_STATUS:
                raise TypeError(f'{self.name}() got an unexpected keyword argument "{name}".')
        missing = [name for name in self.required_inputs if name not in kwargs]
        if missing:
            word = "argument" if len(missing) == 1 else "arguments"
            names = ", ".join(name.replace("-", "_") for name in missing)
            raise TypeError(f"{self.name}() missing {len(missing)} required {word}: {names}.")
        pipeline = current()
        task = PipelineTask(self.component_spec, kwargs, pipeline, caching_by_default())
        if pipeline is None:
            raise RuntimeError(
                f"{self.name}() creates a task and can only be called in the function of a "
                "pipeline. Use .execute() to run a component's function in this process, or a "
                "client to run a pipeline."
            )
        return task

    @property
    def required_inputs(self) -> list[str]:
        """The names of the required inputs."""
        inputs = self.component_spec.inputs
        return [name for name, spec in inputs.items() if not spec.optional]

    @property
    def pipeline_spec(self) -> dict[str, Any]:
        """The IR of a pipeline that consists of this component."""
        from headrace.ir.single_component import component_pipeline  # not needed in pipelines

        return component_pipeline(self.component_spec)

    @property
    def platform_spec(self) -> dict[str, Any]:
        """The platform spec; empty without platform settings."""
        return self.component_spec.platform

    def execute(self, **kwargs: Any) -> Any:
        """Run the component in this process.

        Raises:
            NotImplementedError: This kind of component cannot run in this process.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be executed in this process.")

    def _refuse_output_lists(self) -> None:
        for name, spec in self.component_spec.outputs.items():
            if spec.is_artifact_list:
                raise ValueError(
                    "Output lists of artifacts are only supported for pipelines. Got output list "
                    f"of artifacts for output parameter {name!r} of component {self.name!r}."
                )


class PythonComponent(BaseComponent):
    """A component made from a Python function.

    Raises:
        ValueError: An output is a list of artifacts.
    """

    def __init__(self, component_spec: ComponentSpec, python_func: Callable[..., Any]) -> None:
        super().__init__(component_spec)
        self.python_func = python_func
        self._refuse_output_lists()

    def execute(self, **kwargs: Any) -> Any:
        """Run the function in this process and return its result."""
        return self.python_func(**kwargs)


class ContainerComponent(BaseComponent):
    """A component that runs a container.

    Raises:
        ValueError: An output is a list of artifacts.
    """

    def __init__(self, component_spec: ComponentSpec, pipeline_func: Callable[..., Any]) -> None:
        super().__init__(component_spec)
        self.pipeline_func = pipeline_func
        self._refuse_output_lists()


class ImporterComponent(BaseComponent):
    """A component that imports an existing artifact."""


class GraphComponent(BaseComponent):
    """A pipeline, which can also be used as a component of another pipeline."""

    def __init__(
        self,
        component_spec: ComponentSpec,
        pipeline_func: Callable[..., Any],
        pipeline_config: Any | None = None,
    ) -> None:
        super().__init__(component_spec)
        self.pipeline_func = pipeline_func
        self.pipeline_config = pipeline_config

    @property
    def pipeline_spec(self) -> dict[str, Any]:
        """The pipeline's IR."""
        return dict(self.component_spec.graph or {})

    def execute(self, **kwargs: Any) -> Any:
        raise RuntimeError("A pipeline cannot run in this process. Submit it with a client.")


class YamlComponent(BaseComponent):
    """A component that was loaded from YAML."""

    def __init__(
        self,
        component_spec: ComponentSpec,
        component_yaml: str,
        pipeline_spec: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(component_spec)
        self.component_yaml = component_yaml
        self._pipeline_spec = pipeline_spec

    @property
    def pipeline_spec(self) -> dict[str, Any]:
        """The loaded IR; for a component file of version 1, the IR compiled from it."""
        return self._pipeline_spec if self._pipeline_spec is not None else super().pipeline_spec
