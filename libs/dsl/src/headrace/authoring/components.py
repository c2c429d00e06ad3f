"""Components: what is called in a pipeline to make a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.graph import types
from headrace.graph.pipeline import caching_by_default, current
from headrace.graph.specs import ComponentSpec
from headrace.graph.task import PipelineTask


class BaseComponent:
    """A component.

    Called with the arguments of its inputs, in the function of a pipeline, it makes a task.
    """

    def __init__(self, component_spec: ComponentSpec) -> None:
        self.component_spec = component_spec
        self.name = component_spec.name
        self.description = component_spec.description or None

    def __call__(self, *args: Any, **kwargs: Any) -> PipelineTask:
        """Make a task.

        Raises:
            TypeError: an argument is missing, unknown, or given without its name.
            InconsistentTypeException: an argument is not of its input's type.
            RuntimeError: no pipeline is being defined.
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
                f"{self.name}() makes a task, so it is called in the function of a pipeline. Run "
                "its function here by .execute(), or a pipeline by a client."
            )
        return task

    @property
    def required_inputs(self) -> list[str]:
        """The names of the inputs that have to be given."""
        inputs = self.component_spec.inputs
        return [name for name, spec in inputs.items() if not spec.optional]

    @property
    def pipeline_spec(self) -> dict[str, Any]:
        """The IR of a pipeline that consists of this component."""
        from headrace.ir.single_component import component_pipeline  # not needed in pipelines

        return component_pipeline(self.component_spec)

    @property
    def platform_spec(self) -> dict[str, Any]:
        """The platform spec that belongs to it; empty without settings of platforms."""
        return self.component_spec.platform

    def execute(self, **kwargs: Any) -> Any:
        """Run it in this process, where that can be done.

        Raises:
            NotImplementedError: it cannot.
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
    """A component that is a Python function.

    Raises:
        ValueError: an output is a list of artifacts.
    """

    def __init__(self, component_spec: ComponentSpec, python_func: Callable[..., Any]) -> None:
        super().__init__(component_spec)
        self.python_func = python_func
        self._refuse_output_lists()

    def execute(self, **kwargs: Any) -> Any:
        """Run the function in this process; returns what it returns."""
        return self.python_func(**kwargs)


class ContainerComponent(BaseComponent):
    """A component that is a container.

    Raises:
        ValueError: an output is a list of artifacts.
    """

    def __init__(self, component_spec: ComponentSpec, pipeline_func: Callable[..., Any]) -> None:
        super().__init__(component_spec)
        self.pipeline_func = pipeline_func
        self._refuse_output_lists()


class ImporterComponent(BaseComponent):
    """A component that brings an artifact in from outside."""


class GraphComponent(BaseComponent):
    """A pipeline, which may be used as a component of another."""

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
        """Its IR."""
        return dict(self.component_spec.graph or {})

    def execute(self, **kwargs: Any) -> Any:
        raise RuntimeError("A pipeline is run by a client, not in this process.")


class YamlComponent(BaseComponent):
    """A component that was loaded from a text."""

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
        """The IR: what was loaded, or for a version 1 component what comes of it."""
        return self._pipeline_spec if self._pipeline_spec is not None else super().pipeline_spec
