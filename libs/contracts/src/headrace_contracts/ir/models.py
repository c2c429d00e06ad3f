"""PipelineSpec 2.1.0 as typed models, in the names of the IR's own JSON.

Source: `pipeline_spec.proto` and `kubernetes_executor_config.proto` of Kubeflow Pipelines
(package ``kfp-pipeline-spec``). Fields that are not modelled are kept unchanged, and `ir.features`
finds them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

LONGEST_SECONDS = 100 * 365 * 24 * 3600
"""The limit of durations, so that their end is a valid date."""
Seconds = Annotated[int, Field(ge=0, le=LONGEST_SECONDS)]


class Node(BaseModel):
    """A message of the IR: camelCase on the wire, unknown fields kept."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
    )


class ParameterDefinition(Node):
    """An input or output parameter of a component."""

    parameter_type: str
    default_value: Any = None
    is_optional: bool = False
    literals: tuple[Any, ...] = ()
    description: str | None = None


class ArtifactTypeSchema(Node):
    """The type of an artifact."""

    schema_title: str | None = None
    schema_version: str | None = None
    instance_schema: str | None = None
    schema_uri: str | None = None


class ArtifactDefinition(Node):
    """An input or output artifact of a component."""

    artifact_type: ArtifactTypeSchema = ArtifactTypeSchema()
    is_artifact_list: bool = False
    is_optional: bool = False
    description: str | None = None
    metadata: dict[str, Any] = {}


class ComponentInputs(Node):
    """A component's inputs by name."""

    parameters: dict[str, ParameterDefinition] = {}
    artifacts: dict[str, ArtifactDefinition] = {}


class ComponentOutputs(Node):
    """A component's outputs by name."""

    parameters: dict[str, ParameterDefinition] = {}
    artifacts: dict[str, ArtifactDefinition] = {}


class TaskOutputParameter(Node):
    """An output parameter of another task of the same DAG."""

    producer_task: str
    output_parameter_key: str


class TaskOutputArtifact(Node):
    """An output artifact of another task of the same DAG."""

    producer_task: str
    output_artifact_key: str


class TaskFinalStatus(Node):
    """The final status of a task, as an input of an exit task."""

    producer_task: str


class RuntimeValue(Node):
    """A constant, or an input parameter of the enclosing component."""

    constant: Any = None
    runtime_parameter: str | None = None


class TaskInputParameter(Node):
    """The source of a task's input parameter; exactly one is set."""

    task_output_parameter: TaskOutputParameter | None = None
    runtime_value: RuntimeValue | None = None
    component_input_parameter: str | None = None
    task_final_status: TaskFinalStatus | None = None
    parameter_expression_selector: str | None = None


class TaskInputArtifact(Node):
    """The source of a task's input artifact; exactly one is set."""

    task_output_artifact: TaskOutputArtifact | None = None
    component_input_artifact: str | None = None


class TaskInputs(Node):
    """A task's inputs by name."""

    parameters: dict[str, TaskInputParameter] = {}
    artifacts: dict[str, TaskInputArtifact] = {}


class TaskInfo(Node):
    """The display name of a task."""

    name: str = ""


class ComponentRef(Node):
    """The component that a task runs."""

    name: str


class CachingOptions(Node):
    """Whether the outputs of an earlier, equal task may be reused."""

    enable_cache: bool = False
    cache_key: str = ""


class TriggerPolicy(Node):
    """When a task runs: its condition (CEL), and how it depends on upstream tasks."""

    condition: str = ""
    strategy: str = ""


class ParameterItems(Node):
    """The items of a loop: a JSON list, or an input parameter of the task."""

    raw: str | None = None
    input_parameter: str | None = None


class ParameterIterator(Node):
    """Runs the task once per item; `item_input` is the input that gets the item."""

    items: ParameterItems = ParameterItems()
    item_input: str = ""


class ArtifactItems(Node):
    """The items of a loop: an input of the task that is a list of artifacts."""

    input_artifact: str = ""


class ArtifactIterator(Node):
    """Runs the task once per artifact; `item_input` is the input that gets the artifact."""

    items: ArtifactItems = ArtifactItems()
    item_input: str = ""


class IteratorPolicy(Node):
    """How many iterations run at the same time; 0 is no limit."""

    parallelism_limit: int = 0


class RetryPolicy(Node):
    """How often a failed task is retried, and after what delays."""

    max_retry_count: int = 0
    backoff_duration: str | None = None
    """A protobuf duration such as ``5s``."""
    backoff_factor: float | None = None
    backoff_max_duration: str | None = None


class Task(Node):
    """A node of a DAG."""

    task_info: TaskInfo = TaskInfo()
    component_ref: ComponentRef
    inputs: TaskInputs = TaskInputs()
    dependent_tasks: tuple[str, ...] = ()
    caching_options: CachingOptions = CachingOptions()
    trigger_policy: TriggerPolicy = TriggerPolicy()
    parameter_iterator: ParameterIterator | None = None
    artifact_iterator: ArtifactIterator | None = None
    iterator_policy: IteratorPolicy = IteratorPolicy()
    retry_policy: RetryPolicy | None = None

    @property
    def item_input(self) -> str | None:
        """The input that gets a loop's item; None if the task is not a loop."""
        iterator = self.parameter_iterator or self.artifact_iterator
        return None if iterator is None else iterator.item_input


class ParameterSelector(Node):
    """An output parameter of a task inside the DAG."""

    producer_subtask: str
    output_parameter_key: str


class ArtifactSelector(Node):
    """An output artifact of a task inside the DAG."""

    producer_subtask: str
    output_artifact_key: str


class ParameterSelectors(Node):
    """The sources of a value; the first one whose task has run is used."""

    parameter_selectors: tuple[ParameterSelector, ...] = ()


class DagOutputParameter(Node):
    """The source of a DAG's output parameter."""

    value_from_parameter: ParameterSelector | None = None
    value_from_oneof: ParameterSelectors | None = None

    @property
    def selectors(self) -> tuple[ParameterSelector, ...]:
        """The possible sources in order of preference."""
        if self.value_from_parameter is not None:
            return (self.value_from_parameter,)
        return self.value_from_oneof.parameter_selectors if self.value_from_oneof else ()


class DagOutputArtifact(Node):
    """The source of a DAG's output artifact: the first selector whose task has run."""

    artifact_selectors: tuple[ArtifactSelector, ...] = ()


class DagOutputs(Node):
    """A DAG's outputs by name."""

    parameters: dict[str, DagOutputParameter] = {}
    artifacts: dict[str, DagOutputArtifact] = {}


class Dag(Node):
    """Tasks by key, and the outputs of the DAG."""

    tasks: dict[str, Task] = {}
    outputs: DagOutputs = DagOutputs()


class TaskConfigPassthrough(Node):
    """A setting of the task that is passed to the code by an input of type TASK_CONFIG."""

    field: str
    apply_to_task: bool = False


class Component(Node):
    """Inputs, outputs, and either a DAG or the label of an executor."""

    input_definitions: ComponentInputs = ComponentInputs()
    output_definitions: ComponentOutputs = ComponentOutputs()
    dag: Dag | None = None
    executor_label: str | None = None
    task_config_passthroughs: tuple[TaskConfigPassthrough, ...] = ()


class EnvVar(Node):
    """An environment variable of a container."""

    name: str
    value: str = ""


class ContainerSpec(Node):
    """A container: image, command, arguments, environment, resources."""

    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    resources: dict[str, Any] | None = None
    lifecycle: dict[str, Any] | None = None


class Importer(Node):
    """Creates an artifact for existing data."""

    artifact_uri: RuntimeValue = RuntimeValue()
    type_schema: ArtifactTypeSchema = ArtifactTypeSchema()
    metadata: dict[str, Any] = {}
    reimport: bool = False
    download_to_workspace: bool = False


class Executor(Node):
    """How a component is executed; exactly one kind is set."""

    container: ContainerSpec | None = None
    importer: Importer | None = None
    resolver: dict[str, Any] | None = None
    custom_job: dict[str, Any] | None = None


class DeploymentSpec(Node):
    """Executors by label."""

    executors: dict[str, Executor] = {}


class PipelineInfo(Node):
    """The name and description of a pipeline."""

    name: str
    display_name: str | None = None
    description: str | None = None


class PipelineSpec(Node):
    """A compiled pipeline."""

    pipeline_info: PipelineInfo
    schema_version: str
    sdk_version: str = ""
    root: Component
    components: dict[str, Component] = {}
    deployment_spec: DeploymentSpec = DeploymentSpec()
    default_pipeline_root: str | None = None


class KubernetesExecutor(Node):
    """Platform settings of one executor; settings that are not modelled are kept unchanged."""

    active_deadline_seconds: Seconds | None = None


class KubernetesDeployment(Node):
    """Platform settings by executor label."""

    executors: dict[str, KubernetesExecutor] = {}


class Workspace(Node):
    """A folder that all steps of a run share."""

    size: str = ""
    kubernetes: dict[str, Any] | None = None


class PipelineConfig(Node):
    """Settings of the whole pipeline."""

    workspace: Workspace | None = None
    active_deadline_seconds: Seconds | None = None
    resource_ttl_on_completion: Seconds | None = None
    resource_ttl_on_success: Seconds | None = None
    resource_ttl_on_failure: Seconds | None = None


class KubernetesPlatform(Node):
    """The ``kubernetes`` part of a platform spec."""

    deployment_spec: KubernetesDeployment = KubernetesDeployment()
    pipeline_config: PipelineConfig = PipelineConfig()


class Platforms(Node):
    """Platform settings by platform."""

    kubernetes: KubernetesPlatform = KubernetesPlatform()


class PlatformSpec(Node):
    """Settings for the platform that runs the pipeline."""

    platforms: Platforms = Platforms()


class PipelineDocument(BaseModel):
    """A frozen spec as it is stored and passed on: the IR and its platform spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    pipeline_spec: PipelineSpec
    platform_spec: PlatformSpec | None = Field(default=None)

    @property
    def kubernetes(self) -> KubernetesPlatform:
        """The Kubernetes platform settings, or their defaults."""
        return (
            KubernetesPlatform()
            if self.platform_spec is None
            else (self.platform_spec.platforms.kubernetes)
        )
