"""Ops: the tasks of version 1, with its setters.

An op is a `PipelineTask`. Its command is written when the pipeline's function has ended, because
the types of its outputs depend on how other tasks use them (`headrace.v1.ops.finish`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Self

from headrace import kubernetes
from headrace.graph.channels import (
    Collected,
    PipelineArtifactChannel,
    PipelineChannel,
    channels_in,
)
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, Container, InputSpec, OutputSpec
from headrace.graph.pipeline import caching_by_default
from headrace.graph.task import PipelineTask
from headrace.v1 import refused
from headrace.v1.kubernetes_objects import check_known_fields, field_of, to_json
from headrace.v1.ops.container import OpContainer
from headrace.v1.ops.draft import Draft
from headrace.v1.ops.outputs import Output, Outputs
from headrace.v1.pipeline_state import required_state
from headrace.v1.volumes import PipelineVolume

_POLICIES = (None, "Always", "OnFailure")


class BaseOp(PipelineTask):
    """A task of version 1.

    Raises:
        RuntimeError: No pipeline is being defined.
        ValueError: An artifact is passed to an input that is used by its value.
    """

    def __init__(self, draft: Draft) -> None:
        state = required_state("An op of version 1")
        self.draft = draft
        self.op_volumes: dict[str, Any] = {}
        """The volumes that were added, by name."""
        self.op_mounts: list[Any] = []
        self.pvolumes: dict[str, PipelineVolume] = {}
        """The mounted volumes by mount path, for ops that run after this one."""
        self.execution_options = SimpleNamespace(
            caching_strategy=SimpleNamespace(max_cache_staleness=None)
        )
        paths = draft.file_only_inputs()
        inputs = {
            name: InputSpec(_input_type(draft.name, name, value, name in paths))
            for name, value in draft.inputs.items()
        }
        spec = ComponentSpec(
            name=draft.name,
            description=draft.description,
            inputs={**inputs, **draft.defaults},
            outputs={name: OutputSpec("String") for name in draft.outputs},
            container=Container(image=draft.image, env=dict(draft.env)),
        )
        super().__init__(spec, draft.inputs, state.pipeline, caching_by_default())
        made = {name: Output(name, kind, self.name) for name, kind in draft.outputs.items()}
        self._outputs = made
        self._outputs_by_name = Outputs(made, draft.implicit)

    @property
    def output(self) -> Any:
        """The op's only output.

        Raises:
            AttributeError: The op has several outputs, or none.
        """
        try:
            return self._outputs_by_name["output"]
        except KeyError as error:
            raise AttributeError(f"The op {self.name!r} has no single output: {error}") from None

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The op's outputs by name, as declared or in the form of Python names."""
        return self._outputs_by_name

    @property
    def pvolume(self) -> PipelineVolume:
        """The op's only volume, for ops that run after this one.

        Raises:
            AttributeError: The op has several volumes, or none.
        """
        if len(self.pvolumes) != 1:
            raise AttributeError(
                f"The op {self.name!r} has {len(self.pvolumes)} volumes: use `.pvolumes`, not "
                "`.pvolume`."
            )
        return next(iter(self.pvolumes.values()))

    @property
    def container(self) -> OpContainer:
        """The op's container, with setters that return the container."""
        return OpContainer(self, self.op_mounts)

    def replace_channels(self, others: Mapping[str, PipelineChannel]) -> None:
        """Replace channels that the op uses, by the patterns of the old ones."""
        self._channels = [others.get(each.pattern, each) for each in self._channels]

    def apply(self, mod_func: Callable[[Any], Any]) -> Any:
        """Call a function with the op; returns its result, or the op when that is None."""
        return mod_func(self) or self

    def set_retry(  # type: ignore[override]
        self,
        num_retries: int,
        policy: str | None = None,
        backoff_duration: str | None = None,
        backoff_factor: float | None = None,
        backoff_max_duration: str | None = None,
    ) -> Self:
        """Retry the op after failures.

        Args:
            num_retries: The maximum number of retries.
            policy: ``Always`` or ``OnFailure``, which have the same effect.
            backoff_duration: The delay before the first retry, such as ``30s``.
            backoff_factor: The factor by which the delay grows with each retry.
            backoff_max_duration: The maximum delay.

        Raises:
            NotInIRError: The policy is another one.
        """
        if policy not in _POLICIES:
            refused.refuse(
                f"set_retry(policy={policy!r})",
                "Omit the policy: a step is retried after every failure.",
            )
        super().set_retry(num_retries, backoff_duration, backoff_factor, backoff_max_duration)
        return self

    def set_timeout(self, seconds: int) -> Self:
        """Limit the op's duration in seconds.

        Raises:
            ValueError: The number is negative.
        """
        kubernetes.set_timeout(self, int(seconds))
        return self

    def add_pod_label(self, name: str, value: str) -> Self:
        """Add a label to the pod."""
        kubernetes.add_pod_label(self, name, value)
        return self

    def add_pod_annotation(self, name: str, value: str) -> Self:
        """Add an annotation to the pod."""
        kubernetes.add_pod_annotation(self, name, value)
        return self

    def add_node_selector_constraint(  # type: ignore[override]
        self, label_name: str, value: str
    ) -> Self:
        """Run the op only on nodes with a label."""
        kubernetes.add_node_selector(self, label_name, value)
        return self

    def add_toleration(self, tolerations: Any) -> Self:
        """Let the op run on nodes with a taint: a `V1Toleration` or an equivalent dict."""
        kubernetes.add_toleration(
            self,
            key=field_of(tolerations, "key"),
            operator=field_of(tolerations, "operator"),
            value=field_of(tolerations, "value"),
            effect=field_of(tolerations, "effect"),
            toleration_seconds=field_of(tolerations, "toleration_seconds"),
        )
        return self

    def add_affinity(self, affinity: Any) -> Self:
        """Set the node affinity: a `V1Affinity` or an equivalent dict.

        Raises:
            NotInIRError: It contains an affinity to pods.
        """
        found = to_json(affinity)
        check_known_fields(
            affinity, ("nodeAffinity",), "add_affinity", "Only `node_affinity` is supported."
        )
        kubernetes.add_node_affinity_json(self, found["nodeAffinity"])
        return self

    def add_volume(self, volume: Any) -> Self:
        """Add a volume for `.container.add_volume_mount()`: a `V1Volume` (or an equivalent dict)
        of a Secret, ConfigMap, PersistentVolumeClaim or empty folder."""
        self.op_volumes[str(field_of(volume, "name"))] = volume
        return self

    def add_pvolumes(self, pvolumes: Mapping[str, Any]) -> Self:
        """Mount volumes: a dict of `PipelineVolume` by mount path."""
        for path, volume in pvolumes.items():
            self.pvolumes[path] = PipelineVolume.of(volume).mounted(self, path)
        return self

    def set_gpu_limit(self, gpu: Any, vendor: str = "nvidia") -> Self:
        """Set the number of GPUs, of the vendor ``nvidia`` or ``amd``."""
        self.container.set_gpu_limit(gpu, vendor)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "draft":
            raise AttributeError(name)
        if name in refused.OF_OP:
            return refused.refusing("ContainerOp", refused.OF_OP, name)
        if hasattr(OpContainer, name) or name in refused.OF_CONTAINER:  # as in KFP before 0.2

            def forward(*args: Any, **kwargs: Any) -> BaseOp:
                getattr(self.container, name)(*args, **kwargs)
                return self

            return forward
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")


def _input_type(op: str, name: str, value: Any, is_path: bool) -> Any:
    if isinstance(value, Collected) and value.is_artifact_channel:
        refused.refuse(
            f"A list of artifacts as the input {name!r} of the op {op!r}",
            "Use a @dsl.component with a parameter that is an Input[List[...]].",
        )
    if isinstance(value, PipelineArtifactChannel):
        if not is_path:
            raise ValueError(
                f"The input {name!r} of the op {op!r} is used by its value, but "
                f"{value.full_name!r} is an artifact. Use {{inputPath}} or dsl.InputArgumentPath, "
                "or make it a parameter."
            )
        return value.channel_type
    if isinstance(value, PipelineChannel):
        return parameter_kind(value)
    return types.constant_type(value)


def parameter_kind(channel: PipelineChannel) -> str:
    """The type of an input for a channel's value; String, which accepts any value, if unknown."""
    return types.NAMES_BY_IR_TYPE.get(str(types.ir_type(channel.channel_type)), "String")


def used_channels(task: PipelineTask) -> list[PipelineChannel]:
    """The channels whose values a task uses."""
    if not isinstance(task, BaseOp):
        return list(task.channel_inputs)
    paths = task.draft.file_only_inputs()
    arguments = [
        value
        for name, value in task.inputs.items()
        if name not in paths or not isinstance(value, PipelineChannel)
    ]
    in_arguments = {
        value.pattern for value in task.inputs.values() if isinstance(value, PipelineChannel)
    }
    others = [each for each in task.channel_inputs if each.pattern not in in_arguments]
    container = task.container_spec
    return [*channels_in(arguments), *others, *channels_in(container.env if container else {})]
