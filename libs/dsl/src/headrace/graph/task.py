"""Tasks: components with arguments in a pipeline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

from headrace.graph import quantities
from headrace.graph.channels import (
    Collected,
    PipelineArtifactChannel,
    PipelineChannel,
    channels_in,
    make_channel,
)
from headrace.graph.context import PipelineContext
from headrace.graph.group import TasksGroup, TasksGroupType
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, Container, ResourceSpec, RetryPolicy
from headrace.graph.loops import LoopArgumentVariable, LoopParameterArgument
from headrace.graph.names import kubernetes_name

TextOrChannel = str | PipelineChannel


class PipelineTask:
    """A task of a pipeline, created by calling a component in the pipeline's function.

    Every setter returns the task, so that calls can be chained.

    Raises:
        ValueError: An argument has no matching input, or a type that no parameter can have.
        InconsistentTypeException: An argument does not have its input's type.
    """

    def __init__(
        self,
        component_spec: ComponentSpec,
        args: Mapping[str, Any],
        pipeline: PipelineContext | None = None,
        enable_caching: bool = True,
    ) -> None:
        self.component_spec = component_spec
        self._inputs = _with_copied_lists(args)
        for name, value in self._inputs.items():
            _check_argument(component_spec, name, value)
        component_spec.check_placeholder_kinds()
        self.container_spec: Container | None = (
            component_spec.container.copy() if component_spec.container else None
        )
        self.importer_spec = component_spec.importer
        self.parent_task_group: TasksGroup | None = None
        self.is_exit_handler = False
        self.enable_caching = enable_caching
        self.cache_key: str | None = None
        self.display_name: str | None = None
        self.retry_policy: RetryPolicy | None = None
        self.ignores_upstream_failure = False
        self.platform_config: dict[str, Any] = {}
        """Platform-specific settings, such as those of `headrace.kubernetes`, by platform name."""
        self._dependent_tasks: list[str] = []
        self._channels = channels_in(list(self._inputs.values()))
        self._name = pipeline.add_task(self) if pipeline else kubernetes_name(component_spec.name)
        self._outputs: dict[str, Any] = {
            name: make_channel(name, spec.type, self._name, spec.is_artifact_list)
            for name, spec in component_spec.outputs.items()
        }

    @property
    def name(self) -> str:
        """The task's name, unique in the pipeline."""
        return self._name

    @property
    def inputs(self) -> dict[str, Any]:
        """The task's arguments by input name."""
        return self._inputs

    @property
    def output(self) -> Any:
        """The task's only output.

        Raises:
            AttributeError: The task has several outputs, or none.
        """
        if len(self._outputs) != 1:
            raise AttributeError(
                f"The task {self.name!r} has {len(self._outputs) or 'no'} outputs. Please "
                "reference an output by its name."
            )
        return next(iter(self._outputs.values()))

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The task's outputs by name."""
        return self._outputs

    @property
    def dependent_tasks(self) -> list[str]:
        """The names of the tasks that were passed to `.after()`."""
        return self._dependent_tasks

    @property
    def channel_inputs(self) -> list[PipelineChannel]:
        """All channels that the task uses."""
        return self._channels

    @property
    def pipeline_spec(self) -> dict[str, Any] | None:
        """The IR of the pipeline that the task runs; None for a single step."""
        return self.component_spec.graph

    @property
    def platform_spec(self) -> dict[str, Any]:
        """The platform spec of the pipeline that the task runs.

        Raises:
            ValueError: The task is a single step; its settings are in `platform_config`.
        """
        if self.component_spec.graph is None:
            raise ValueError(
                "Can only access '.platform_spec' property on tasks created from pipelines. Use "
                "'.platform_config' for tasks created from primitive components."
            )
        return self.component_spec.platform

    def register_pipeline_channels(self, pipeline_channels: Sequence[PipelineChannel]) -> None:
        """Add channels that the task uses besides its arguments."""
        known = {each.pattern for each in self._channels}
        for channel in pipeline_channels:
            if channel.pattern not in known:
                self._channels.append(channel)
                known.add(channel.pattern)

    def set_caching_options(self, enable_caching: bool, cache_key: str | None = None) -> Self:
        """Set whether the outputs of an earlier identical task may be reused; a task with another
        `cache_key` is never identical."""
        self.enable_caching = enable_caching
        self.cache_key = cache_key
        return self

    def _resources(self, method: str) -> ResourceSpec:
        container = self._container(method)
        if container.resources is None:
            container.resources = ResourceSpec()
        return container.resources

    def _container(self, method: str) -> Container:
        if self.container_spec is None:
            raise ValueError(
                f"{method} can only be used on single-step components, not pipelines used as "
                "components, or special components like importers."
            )
        return self.container_spec

    def set_cpu_request(self, cpu: TextOrChannel) -> Self:
        """Set the CPU request: cores such as ``2`` or ``0.5``, or thousandths such as ``500m``.

        Raises:
            ValueError: It is not a quantity of CPU, or the task is not a single step.
        """
        self._resources("set_cpu_request").cpu_request = quantities.cpu(cpu)
        return self

    def set_cpu_limit(self, cpu: TextOrChannel) -> Self:
        """Set the CPU limit: cores such as ``2`` or ``0.5``, or thousandths such as ``500m``.

        Raises:
            ValueError: It is not a quantity of CPU, or the task is not a single step.
        """
        self._resources("set_cpu_limit").cpu_limit = quantities.cpu(cpu)
        return self

    def set_memory_request(self, memory: TextOrChannel) -> Self:
        """Set the memory request: bytes, or a number with a unit from ``K`` to ``Ei``.

        Raises:
            ValueError: It is not a quantity of memory, or the task is not a single step.
        """
        self._resources("set_memory_request").memory_request = quantities.memory(memory)
        return self

    def set_memory_limit(self, memory: TextOrChannel) -> Self:
        """Set the memory limit: bytes, or a number with a unit from ``K`` to ``Ei``.

        Raises:
            ValueError: It is not a quantity of memory, or the task is not a single step.
        """
        self._resources("set_memory_limit").memory_limit = quantities.memory(memory)
        return self

    def set_accelerator_type(self, accelerator: TextOrChannel) -> Self:
        """Set the type of accelerator, such as ``nvidia.com/gpu``. The task gets one unless
        `set_accelerator_limit` sets another number.

        Raises:
            ValueError: The task is not a single step.
        """
        resources = self._resources("set_accelerator_type")
        resources.accelerator_type = str(accelerator)
        if resources.accelerator_count is None:
            resources.accelerator_count = "1"
        return self

    def set_accelerator_limit(self, limit: int | TextOrChannel) -> Self:
        """Set the number of accelerators.

        Raises:
            ValueError: It is negative or not a number, or the task is not a single step.
        """
        self._resources("set_accelerator_limit").accelerator_count = quantities.count(limit)
        return self

    def set_gpu_limit(self, gpu: int | TextOrChannel) -> Self:
        """The deprecated name of `set_accelerator_limit`."""
        _deprecated("set_gpu_limit", "set_accelerator_limit")
        return self.set_accelerator_limit(gpu)

    def add_node_selector_constraint(self, accelerator: TextOrChannel) -> Self:
        """The deprecated name of `set_accelerator_type`."""
        _deprecated("add_node_selector_constraint", "set_accelerator_type")
        return self.set_accelerator_type(accelerator)

    def set_retry(
        self,
        num_retries: int,
        backoff_duration: str | None = None,
        backoff_factor: float | None = None,
        backoff_max_duration: str | None = None,
    ) -> Self:
        """Retry the task after failures.

        Args:
            num_retries: The maximum number of retries.
            backoff_duration: The delay before the first retry, such as ``30s``; default none.
            backoff_factor: The factor by which the delay grows with each retry; default 2.
            backoff_max_duration: The maximum delay; default one hour.
        """
        self.retry_policy = RetryPolicy(
            num_retries, backoff_duration, backoff_factor, backoff_max_duration
        )
        return self

    def set_display_name(self, name: str) -> Self:
        """Set the display name."""
        self.display_name = name
        return self

    def set_env_variable(self, name: str, value: str) -> Self:
        """Set an environment variable.

        Raises:
            ValueError: The task is not a single step.
        """
        self._container("set_env_variable").env[name] = value
        return self

    def set_debug_pause(
        self, before: bool = False, after: bool = True, on_error: bool = False
    ) -> Self:
        """Pause the task's pod for debugging.

        Args:
            before: Pause before the process starts.
            after: Pause when the process has ended.
            on_error: With `after`, pause only after a failure.

        Raises:
            ValueError: Neither `before` nor `after` is set, or `on_error` without `after`.
        """
        if on_error and not after:
            raise ValueError(
                "'on_error' applies to post-execution pause and requires after=True. Got "
                "after=False, on_error=True - contradictory configuration."
            )
        if not before and not after:
            raise ValueError(
                "At least one of 'before' or 'after' must be True. Got before=False, after=False - "
                "nothing to pause on."
            )
        if before:
            self.set_env_variable("ARGO_DEBUG_PAUSE_BEFORE", "true")
        if after:
            moment = "ON_ERROR" if on_error else "AFTER"
            self.set_env_variable(f"ARGO_DEBUG_PAUSE_{moment}", "true")
        return self

    def set_container_image(self, name: TextOrChannel) -> Self:
        """Set the container image, instead of the component's; can be a channel.

        Raises:
            ValueError: The task is not a single step.
        """
        self._container("set_container_image").image = str(name)
        self.register_pipeline_channels(channels_in(name))
        return self

    def after(self, *tasks: PipelineTask | TasksGroup) -> Self:
        """Start the task only after other tasks have succeeded.

        Raises:
            ValueError: An argument is neither a task nor a `dsl.ExitHandler`.
        """
        for task in tasks:
            if isinstance(task, TasksGroup) and task.group_type is not TasksGroupType.EXIT_HANDLER:
                raise ValueError(
                    f"'.after()' on task group '{task.name}' of type "
                    f"dsl.{type(task).__name__} is not supported. Only dsl.ExitHandler groups can "
                    "be used as .after() dependencies."
                )
            if not isinstance(task, (PipelineTask, TasksGroup)):
                raise ValueError(
                    "PipelineTask.after() only supports PipelineTask and dsl.ExitHandler "
                    f"dependencies. Got {type(task).__name__}."
                )
            self._dependent_tasks.append(task.name)
        return self

    def ignore_upstream_failure(self) -> Self:
        """Run the task after the tasks it depends on, whether they succeed or fail.

        Raises:
            ValueError: An input without a default is an output of another task, which may fail.
        """
        for name, spec in self.component_spec.inputs.items():
            value = self._inputs.get(name)
            is_made = isinstance(value, PipelineChannel) and value.task_name is not None
            if spec.type != types.FINAL_STATUS and is_made and not spec.optional:
                raise ValueError(
                    "Tasks can only use .ignore_upstream_failure() if all input parameters that "
                    "accept arguments created by an upstream task have a default value, in case "
                    f"the upstream task fails to produce its output. The input {name!r} of task "
                    f"{self.name!r} has none and is an output of {value.task_name!r}."  # type: ignore[union-attr]
                )
        self.ignores_upstream_failure = True
        return self


def _deprecated(old: str, new: str) -> None:
    warnings.warn(
        f"{old!r} is deprecated. Please use {new!r} instead.",
        category=DeprecationWarning,
        stacklevel=3,
    )


def _with_copied_lists(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with each `dsl.Collected` replaced by a copy for this task; equal lists share
    one copy."""
    copies: dict[str, Collected] = {}
    return {
        name: copies.setdefault(value.pattern, value.copy())
        if isinstance(value, Collected)
        else value
        for name, value in args.items()
    }


def _check_argument(component: ComponentSpec, name: str, value: Any) -> None:
    spec = component.inputs.get(name)
    if spec is None:
        raise ValueError(f"Component {component.name!r} got an unexpected input: {name!r}.")
    given: Any
    if isinstance(value, PipelineChannel):
        kind = value.channel_type
        if isinstance(value, (LoopParameterArgument, LoopArgumentVariable)) and kind == "String":
            return  # the item's type is unknown
        is_list = isinstance(value, (PipelineArtifactChannel, Collected)) and value.is_artifact_list
        given = (kind, is_list)
    else:
        given = (types.constant_type(value), False)
    types.check_compatible(
        given,
        (spec.type, spec.is_artifact_list),
        f"Incompatible argument passed to the input {name!r} of component {component.name!r}: ",
    )
