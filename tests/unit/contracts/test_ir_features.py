"""What is not carried out yet is refused by name and place, never ignored."""

from __future__ import annotations

import pytest
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parse import SpecError, parse_document

from tests.support.specs import Spec, artifact_type, platform, spoiled, training, without

SPEC = training()
TRAIN = "root/dag/tasks/train"
AT_TRAIN = "root.dag.tasks[train]"
EXECUTOR = "deploymentSpec/executors/exec-train"
AT_EXECUTOR = "deploymentSpec.executors[exec-train]"
KUBERNETES = "platforms/kubernetes"


def refused(*documents: Spec) -> list[Rejection]:
    with pytest.raises(SpecError) as caught:
        parse_document(list(documents))
    return caught.value.faults


@pytest.mark.parametrize(
    ("spec", "field", "feature"),
    [
        (
            spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"condition": "1 == 1"}),
            AT_TRAIN,
            "a condition (dsl.If)",
        ),
        (
            spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}),
            AT_TRAIN,
            "an exit task or ignore_upstream_failure",
        ),
        (
            spoiled(
                SPEC,
                f"{TRAIN}/parameterIterator",
                {"itemInput": "rounds", "items": {"raw": "[1]"}},
            ),
            AT_TRAIN,
            "a loop (dsl.ParallelFor)",
        ),
        (
            spoiled(
                SPEC,
                f"{TRAIN}/artifactIterator",
                {"itemInput": "data", "items": {"inputArtifact": "data"}},
            ),
            AT_TRAIN,
            "a loop (dsl.ParallelFor)",
        ),
        (
            spoiled(
                without(SPEC, "components/comp-prepare/executorLabel"),
                "components/comp-prepare/dag",
                {
                    "tasks": {
                        "inner": {
                            "componentRef": {"name": "comp-prepare"},
                            "inputs": {"parameters": {"label": {"runtimeValue": {"constant": ""}}}},
                        }
                    }
                },
            ),
            "root.dag.tasks[prepare]",
            "a nested pipeline",
        ),
        (
            spoiled(SPEC, f"{TRAIN}/retryPolicy", {"maxRetryCount": 2}),
            AT_TRAIN,
            "a retry policy (set_retry)",
        ),
        (
            spoiled(
                SPEC,
                f"{TRAIN}/inputs/parameters/rounds/parameterExpressionSelector",
                "parseJson(string_value)",
            ),
            f"{AT_TRAIN}.inputs.parameters[rounds]",
            "an expression selector",
        ),
        (
            spoiled(
                SPEC,
                f"{TRAIN}/inputs/parameters/note",
                {"taskFinalStatus": {"producerTask": "prepare"}},
            ),
            f"{AT_TRAIN}.inputs.parameters[note]",
            "a task's final status as an input",
        ),
        (
            spoiled(
                SPEC,
                f"{TRAIN}/inputs/parameters/note",
                {"runtimeValue": {"runtimeParameter": "label"}},
            ),
            f"{AT_TRAIN}.inputs.parameters[note]",
            "runtimeValue.runtimeParameter",
        ),
        (
            spoiled(
                SPEC,
                "components/comp-train/outputDefinitions/artifacts/model/isArtifactList",
                True,
            ),
            f"{AT_TRAIN} output 'model'",
            "a list of artifacts as an output",
        ),
        *(
            (
                spoiled(
                    SPEC,
                    "components/comp-train/inputDefinitions/parameters/note/parameterType",
                    kind,
                ),
                f"{AT_TRAIN} input 'note'",
                f"an input of type {kind}",
            )
            for kind in ("TASK_FINAL_STATUS", "TASK_CONFIG")
        ),
        (
            spoiled(SPEC, "root/inputDefinitions/artifacts/seed", {"artifactType": {}}),
            "root.inputDefinitions.artifacts[seed]",
            "an artifact as a pipeline input",
        ),
        (
            spoiled(
                SPEC,
                "root/dag/outputs/parameters/accuracy",
                {"valueFromOneof": {"parameterSelectors": []}},
            ),
            "root.dag.outputs.parameters[accuracy]",
            "dsl.OneOf",
        ),
        (
            spoiled(
                SPEC,
                "root/dag/outputs/artifacts/model/artifactSelectors",
                [
                    {"producerSubtask": "train", "outputArtifactKey": "model"},
                    {"producerSubtask": "prepare", "outputArtifactKey": "data"},
                ],
            ),
            "root.dag.outputs.artifacts[model]",
            "dsl.OneOf",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"importer": {"artifactUri": {"constant": "s3://b/k"}}}),
            AT_EXECUTOR,
            "dsl.importer",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"customJob": {}}),
            AT_EXECUTOR,
            "an executor that is not a container",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"container": {"image": "python:3.11"}}),
            AT_EXECUTOR,
            "a container without a command",
        ),
    ],
)
def test_a_feature_is_refused_by_name_and_place(spec: Spec, field: str, feature: str) -> None:
    found = refused(spec)
    assert {fault.code for fault in found} == {RejectionCode.UNSUPPORTED_FEATURE}
    assert (field, f"{feature} is not supported yet") in [(f.field, f.message) for f in found]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("futureOption", "futureOption"),
        ("root/futureOption", "root.futureOption"),
        (f"{TRAIN}/futureOption", "root.dag.tasks[train].futureOption"),
        (
            f"{TRAIN}/cachingOptions/futureOption",
            "root.dag.tasks[train].cachingOptions.futureOption",
        ),
        (
            f"{EXECUTOR}/container/futureOption",
            "deploymentSpec.executors[exec-train].container.futureOption",
        ),
    ],
)
def test_a_field_that_is_not_known_is_refused(place: str, field: str) -> None:
    (fault,) = refused(spoiled(SPEC, place, "now"))
    assert (fault.field, fault.message) == (
        field,
        "the field 'futureOption' is not supported yet",
    )


def test_a_field_of_a_list_item_is_found() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]
    (fault,) = refused(spoiled(SPEC, f"{EXECUTOR}/container/env", env))
    assert fault.field == "deploymentSpec.executors[exec-train].container.env[1].valueFrom"


@pytest.mark.parametrize(
    ("place", "value", "field", "feature"),
    [
        (
            f"{KUBERNETES}/deploymentSpec/executors/exec-train/secretAsEnv",
            [{"secretName": "s"}],
            "platforms.kubernetes.deploymentSpec.executors[exec-train].secretAsEnv",
            "the field 'secretAsEnv'",
        ),
        (
            f"{KUBERNETES}/pipelineConfig",
            {"workspace": {"size": "1Gi"}},
            "platforms.kubernetes.pipelineConfig",
            "pipelineConfig",
        ),
        ("platforms/elsewhere", {}, "platforms.elsewhere", "the field 'elsewhere'"),
    ],
)
def test_platform_settings_are_refused_in_the_same_way(
    place: str, value: object, field: str, feature: str
) -> None:
    (fault,) = refused(SPEC, spoiled(platform(), place, value))
    assert fault.code == RejectionCode.UNSUPPORTED_FEATURE
    assert (fault.field, fault.message) == (field, f"{feature} is not supported yet")


def test_a_platform_setting_of_the_wrong_type_is_a_fault_of_the_spec() -> None:
    place = f"{KUBERNETES}/deploymentSpec/executors/exec-train/activeDeadlineSeconds"
    (fault,) = refused(SPEC, spoiled(platform(), place, "soon"))
    assert fault.code == RejectionCode.INVALID_SPEC
    assert fault.field == place.replace("/exec-train/", "[exec-train].").replace("/", ".")


def test_faults_of_the_spec_come_before_features() -> None:
    both = spoiled(spoiled(SPEC, "futureOption", 1), f"{TRAIN}/dependentTasks", ["nope"])
    assert {fault.code for fault in refused(both)} == {RejectionCode.INVALID_SPEC}


def test_optional_artifacts_of_the_root_and_empty_platforms_are_fine() -> None:
    optional = spoiled(
        SPEC,
        "root/inputDefinitions/artifacts/seed",
        {"artifactType": artifact_type("Artifact"), "isOptional": True},
    )
    document = parse_document([optional, {"platforms": {}}])
    assert document.pipeline_spec.root.input_definitions.artifacts["seed"].is_optional


def test_the_models_keep_what_they_do_not_know() -> None:
    spec = SPEC
    for place in ("futureOption", f"{TRAIN}/futureOption", f"{EXECUTOR}/container/futureOption"):
        spec = spoiled(spec, place, {"deep": [1, None]})
    node = PipelineDocument.model_validate({"pipeline_spec": spec})
    written = node.model_dump(mode="json", exclude_unset=True)["pipeline_spec"]
    assert written == spec
