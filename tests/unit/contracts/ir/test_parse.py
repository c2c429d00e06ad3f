"""Parsing of packages: valid specs, and faults with their paths."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parse import SpecError, parse_document

from tests.support.specs import Spec, container, platform, spoiled, training, without

SPEC = training()
TRAIN = "root/dag/tasks/train"
PREPARE = "root/dag/tasks/prepare"


def faults(*documents: Any) -> list[Rejection]:
    with pytest.raises(SpecError) as caught:
        parse_document(list(documents))
    return caught.value.faults


@pytest.mark.parametrize(
    "documents",
    [
        [SPEC],
        [SPEC, platform()],
        [platform(), SPEC],
        [None, SPEC, None],
        [{"pipeline_spec": SPEC}],
        [{"pipeline_spec": SPEC, "platform_spec": platform()}],
        [{"pipeline_spec": SPEC, "platform_spec": None}],
    ],
)
def test_a_valid_spec_is_parsed_in_every_form(documents: list[Any]) -> None:
    document = parse_document(documents)
    assert document.pipeline_spec.pipeline_info.name == "train-digits"
    assert set(document.pipeline_spec.root.dag.tasks) == {"prepare", "train"}  # type: ignore[union-attr]


def test_the_platform_spec_is_parsed() -> None:
    document = parse_document([SPEC, platform()])
    assert document.platform_spec is not None
    executors = document.platform_spec.platforms.kubernetes.deployment_spec.executors
    assert executors["exec-train"].active_deadline_seconds == 60


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "the package is empty"),
        ([None], "the package is empty"),
        (["text"], "expected a compiled pipeline spec (a mapping), got a string"),
        ([[SPEC]], "got a list"),
        ([3], "got a number"),
        ([True], "got a boolean"),
        ([SPEC, SPEC], "expected one pipeline spec and at most one platform spec, got 2 and 0"),
        ([platform()], "got 0 and 1"),
        ([SPEC, platform(), platform()], "got 1 and 2"),
        ([{"pipeline_spec": "text"}], "got a string"),
        ([{"pipeline_spec": None}], "the package is empty"),
        ([{"pipeline_spec": SPEC, "extra": 1}], "unknown field 'extra' beside pipeline_spec"),
        ([{"kind": "Workflow", **SPEC}], "this is an Argo Workflow"),
        ([{"apiVersion": "v1", "kind": "Pod"}], "another Kubernetes object"),
    ],
)
def test_what_is_not_a_package_is_rejected(documents: list[Any], message: str) -> None:
    (fault,) = faults(*documents)
    assert fault.code == RejectionCode.INVALID_SPEC
    assert message in fault.message


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (without(SPEC, "schemaVersion"), "schemaVersion is missing"),
        (spoiled(SPEC, "schemaVersion", "2.0.0"), "schemaVersion is '2.0.0'"),
        (spoiled(SPEC, "schemaVersion", 2.1), "schemaVersion is 2.1"),
    ],
)
def test_the_schema_version_must_be_supported(spec: Spec, message: str) -> None:
    (fault,) = faults(spec)
    assert fault.field == "schemaVersion"
    assert message in fault.message


NAME = f"{'a' * 129}"
EXEC = "deploymentSpec.executors"
SHAPE = [
    (without(SPEC, "pipelineInfo"), "pipelineInfo", "Field required"),
    (without(SPEC, "pipelineInfo/name"), "pipelineInfo.name", "Field required"),
    (without(SPEC, "root"), "root", "Field required"),
    (
        spoiled(SPEC, f"{TRAIN}/componentRef", {}),
        "root.dag.tasks[train].componentRef.name",
        "Field required",
    ),
    (spoiled(SPEC, TRAIN, None), "root.dag.tasks[train]", "valid dictionary"),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/parameters/rounds", {"runtimeValue": 3}),
        "root.dag.tasks[train].inputs.parameters[rounds].runtimeValue",
        "valid dictionary",
    ),
    (
        spoiled(SPEC, "deploymentSpec/executors/exec-train/container/env", [{"value": "x"}]),
        "deploymentSpec.executors[exec-train].container.env[0].name",
        "Field required",
    ),
    (
        without(SPEC, "components/comp-train/inputDefinitions/parameters/rate/parameterType"),
        "components[comp-train].inputDefinitions.parameters[rate].parameterType",
        "Field required",
    ),
]
NAMES = [
    (spoiled(SPEC, "pipelineInfo/name", name), "pipelineInfo.name", "is not a valid pipeline name")
    for name in ("", "Train", "train_digits", "-train", "train-", "train digits", NAME)
]
COMPONENTS = [
    (without(SPEC, "root/dag"), "root.dag", "is missing"),
    (spoiled(SPEC, "root/dag/tasks", {}), "root.dag.tasks", "is empty"),
    (
        spoiled(SPEC, f"{TRAIN}/componentRef/name", "comp-nope"),
        "root.dag.tasks[train].componentRef.name",
        "there is no component 'comp-nope'",
    ),
    (
        spoiled(SPEC, "components/comp-train/executorLabel", "exec-nope"),
        "components[comp-train].executorLabel",
        "there is no executor 'exec-nope'",
    ),
    (
        without(SPEC, "components/comp-train/executorLabel"),
        "components[comp-train]",
        "has neither a dag nor an executorLabel",
    ),
    (
        spoiled(
            SPEC, "components/comp-train/inputDefinitions/parameters/rate/parameterType", "FLOAT"
        ),
        "components[comp-train].inputDefinitions.parameters[rate].parameterType",
        "'FLOAT' is not a valid parameter type",
    ),
    (
        spoiled(
            SPEC, "components/comp-train/outputDefinitions/parameters/accuracy/parameterType", ""
        ),
        "components[comp-train].outputDefinitions.parameters[accuracy].parameterType",
        "is not a valid parameter type",
    ),
    (
        spoiled(SPEC, "components/comp-loop", {"dag": {"tasks": {"a": {"componentRef": {}}}}}),
        "components[comp-loop].dag.tasks[a].componentRef.name",
        "Field required",
    ),
    (
        spoiled(
            SPEC,
            "components/comp-loop",
            {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-nope"}}}}},
        ),
        "components[comp-loop].dag.tasks[a].componentRef.name",
        "there is no component 'comp-nope'",
    ),
]
GRAPH = [
    (
        spoiled(SPEC, f"{PREPARE}/dependentTasks", ["train"]),
        "root.dag.tasks",
        "in a cycle: prepare -> train -> prepare",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/dependentTasks", ["train"]),
        "root.dag.tasks[train]",
        "depends on itself",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/dependentTasks", ["nope"]),
        "root.dag.tasks[train]",
        "depends on task 'nope', which is not in this DAG",
    ),
    (
        spoiled(
            SPEC,
            f"{TRAIN}/inputs/parameters/rows/taskOutputParameter/producerTask",
            "nope",
        ),
        "root.dag.tasks[train]",
        "depends on task 'nope'",
    ),
]
BINDINGS = [
    (
        without(SPEC, f"{TRAIN}/inputs/parameters/rounds"),
        "root.dag.tasks[train].inputs.parameters",
        "the required input 'rounds' is missing",
    ),
    (
        without(SPEC, f"{TRAIN}/inputs/artifacts/data"),
        "root.dag.tasks[train].inputs.artifacts",
        "the required input 'data' is missing",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/artifacts/nope", {"componentInputArtifact": "data"}),
        "root.dag.tasks[train].inputs.artifacts[nope]",
        "component 'comp-train' has no such input artifact",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/parameters/rounds/componentInputParameter", "nope"),
        "root.dag.tasks[train].inputs.parameters[rounds]",
        "there is no input parameter 'nope'",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/artifacts/baseline", {"componentInputArtifact": "nope"}),
        "root.dag.tasks[train].inputs.artifacts[baseline]",
        "there is no input artifact 'nope'",
    ),
    (
        spoiled(
            SPEC,
            f"{TRAIN}/inputs/parameters/rows/taskOutputParameter/outputParameterKey",
            "nope",
        ),
        "root.dag.tasks[train].inputs.parameters[rows]",
        "task 'prepare' has no output parameter 'nope'",
    ),
    (
        spoiled(
            SPEC, f"{TRAIN}/inputs/artifacts/data/taskOutputArtifact/outputArtifactKey", "rows"
        ),
        "root.dag.tasks[train].inputs.artifacts[data]",
        "task 'prepare' has no output artifact 'rows'",
    ),
    *(
        (
            spoiled(SPEC, f"{TRAIN}/inputs/parameters/rounds", source),
            "root.dag.tasks[train].inputs.parameters[rounds]",
            message,
        )
        for source, message in (
            ({}, "has no source"),
            ({"componentInputParameter": None}, "has no source"),
            ({"brandNew": 1}, "has no source"),
            ({"parameterExpressionSelector": "x"}, "has no source"),
            (
                {"componentInputParameter": "rounds", "runtimeValue": {"constant": 1}},
                "has more than one source",
            ),
        )
    ),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/artifacts/data", {}),
        "root.dag.tasks[train].inputs.artifacts[data]",
        "has no source",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/inputs/artifacts/data/componentInputArtifact", "data"),
        "root.dag.tasks[train].inputs.artifacts[data]",
        "has more than one source",
    ),
]
SELECTED = "root/dag/outputs/parameters/accuracy/valueFromParameter"
OUTPUTS = [
    (
        spoiled(SPEC, f"{SELECTED}/producerSubtask", "nope"),
        "root.dag.outputs.parameters[accuracy]",
        "refers to task 'nope', which is not in this DAG",
    ),
    (
        spoiled(SPEC, f"{SELECTED}/outputParameterKey", "nope"),
        "root.dag.outputs.parameters[accuracy]",
        "task 'train' has no output parameter 'nope'",
    ),
    (
        spoiled(SPEC, "root/dag/outputs/parameters/accuracy", {}),
        "root.dag.outputs.parameters[accuracy]",
        "has no source",
    ),
    (
        spoiled(
            SPEC,
            "root/dag/outputs/artifacts/model/artifactSelectors",
            [{"producerSubtask": "prepare", "outputArtifactKey": "model"}],
        ),
        "root.dag.outputs.artifacts[model]",
        "task 'prepare' has no output artifact 'model'",
    ),
    (
        spoiled(SPEC, "root/dag/outputs/artifacts/model/artifactSelectors", []),
        "root.dag.outputs.artifacts[model]",
        "has no source",
    ),
]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [*SHAPE, *NAMES, *COMPONENTS, *GRAPH, *BINDINGS, *OUTPUTS],
)
def test_a_fault_has_a_path(spec: Spec, field: str, message: str) -> None:
    found = faults(spec)
    assert {fault.code for fault in found} == {RejectionCode.INVALID_SPEC}
    assert any(fault.field == field and message in fault.message for fault in found), found


def test_all_faults_are_reported_together() -> None:
    twice = spoiled(
        spoiled(SPEC, "pipelineInfo/name", "Train"), f"{TRAIN}/componentRef/name", "comp-nope"
    )
    assert [fault.field for fault in faults(twice)][:2] == [
        "pipelineInfo.name",
        "root.dag.tasks[train].componentRef.name",
    ]


def test_a_rejection_summarizes_many_faults() -> None:
    tasks = {f"t{i}": {"componentRef": {"name": f"comp-{i}"}} for i in range(8)}
    with pytest.raises(SpecError) as caught:
        parse_document([without(spoiled(SPEC, "root/dag/tasks", tasks), "root/dag/outputs")])
    rejection = caught.value.rejection
    assert rejection.field == "root.dag.tasks[t0].componentRef.name"
    assert rejection.message.count("there is no component") == 5
    assert rejection.message.endswith("and 3 more")


@pytest.mark.parametrize(
    "spec",
    [
        without(SPEC, f"{TRAIN}/dependentTasks"),
        without(SPEC, f"{TRAIN}/inputs/parameters/rate"),
        spoiled(SPEC, f"{TRAIN}/inputs/parameters/rate", {"runtimeValue": {"constant": None}}),
        spoiled(SPEC, f"{TRAIN}/inputs/parameters/rate", {"runtimeValue": {"constant": 0}}),
        spoiled(
            SPEC,
            f"{TRAIN}/inputs/parameters/pipelinechannel--rounds",
            {"componentInputParameter": "rounds"},
        ),
        without(without(SPEC, "root/dag/outputs"), "root/outputDefinitions"),
        spoiled(SPEC, "pipelineInfo/name", "a" * 128),
        spoiled(SPEC, "defaultPipelineRoot", "s3://models"),
        spoiled(SPEC, "components/comp-unused", {"executorLabel": "exec-train"}),
        spoiled(SPEC, "deploymentSpec/executors/exec-unused", container(["true"])),
    ],
)
def test_these_variations_are_valid(spec: Spec) -> None:
    assert isinstance(parse_document([spec]), PipelineDocument)
