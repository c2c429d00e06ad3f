"""Unsupported features are rejected with name and path, never ignored."""

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
            spoiled(SPEC, "root/inputDefinitions/artifacts/seed", {"artifactType": {}}),
            "root.inputDefinitions.artifacts[seed]",
            "an artifact as a pipeline input",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"customJob": {}}),
            AT_EXECUTOR,
            "an executor that is neither a container nor an importer",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"resolver": {"outputArtifactQueries": {}}}),
            AT_EXECUTOR,
            "an executor that is neither a container nor an importer",
        ),
        (
            spoiled(SPEC, EXECUTOR, {}),
            AT_EXECUTOR,
            "an executor that is neither a container nor an importer",
        ),
        (
            spoiled(SPEC, EXECUTOR, {"container": {"image": "python:3.11"}}),
            AT_EXECUTOR,
            "a container without a command",
        ),
    ],
)
def test_an_unsupported_feature_is_rejected_with_name_and_path(
    spec: Spec, field: str, feature: str
) -> None:
    (fault,) = refused(spec)
    assert fault.code == RejectionCode.UNSUPPORTED_FEATURE
    assert (fault.field, fault.message) == (field, f"{feature} is not supported")


NESTED = {
    "dag": {
        "tasks": {
            "inner": {
                "componentRef": {"name": "comp-prepare"},
                "inputs": {"parameters": {"label": {"runtimeValue": {"constant": ""}}}},
            }
        }
    }
}
NOTE = f"{TRAIN}/inputs/parameters/note"
TYPE_OF_NOTE = "components/comp-train/inputDefinitions/parameters/note/parameterType"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"condition": "1 == 1"}), id="condition"
        ),
        pytest.param(
            spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}),
            id="exit task",
        ),
        pytest.param(
            spoiled(
                without(SPEC, f"{TRAIN}/inputs/parameters/rounds"),
                f"{TRAIN}/parameterIterator",
                {"itemInput": "rounds", "items": {"raw": "[1]"}},
            ),
            id="loop over a list",
        ),
        pytest.param(
            spoiled(
                SPEC,
                f"{TRAIN}/artifactIterator",
                {"itemInput": "data", "items": {"inputArtifact": "data"}},
            ),
            id="loop over artifacts",
        ),
        pytest.param(
            spoiled(
                spoiled(SPEC, "components/comp-nested", NESTED),
                "root/dag/tasks/nested",
                {"componentRef": {"name": "comp-nested"}},
            ),
            id="nested pipeline",
        ),
        pytest.param(
            spoiled(
                SPEC,
                f"{TRAIN}/retryPolicy",
                {
                    "maxRetryCount": 2,
                    "backoffDuration": "0.5s",
                    "backoffFactor": 2,
                    "backoffMaxDuration": "3600s",
                },
            ),
            id="retry",
        ),
        pytest.param(
            spoiled(
                SPEC,
                f"{TRAIN}/inputs/parameters/rounds/parameterExpressionSelector",
                "parseJson(string_value)",
            ),
            id="selector",
        ),
        pytest.param(
            spoiled(
                spoiled(SPEC, NOTE, {"taskFinalStatus": {"producerTask": "prepare"}}),
                TYPE_OF_NOTE,
                "TASK_FINAL_STATUS",
            ),
            id="final status",
        ),
        pytest.param(
            without(
                spoiled(SPEC, TYPE_OF_NOTE, "TASK_CONFIG"),
                "components/comp-train/inputDefinitions/parameters/note/defaultValue",
            ),
            id="task configuration",
        ),
        pytest.param(
            spoiled(SPEC, NOTE, {"runtimeValue": {"runtimeParameter": "label"}}),
            id="runtime parameter",
        ),
        pytest.param(
            spoiled(
                SPEC, "components/comp-train/outputDefinitions/artifacts/model/isArtifactList", True
            ),
            id="list of artifacts",
        ),
        pytest.param(
            spoiled(
                SPEC,
                "root/dag/outputs/parameters/accuracy",
                {
                    "valueFromOneof": {
                        "parameterSelectors": [
                            {"producerSubtask": "train", "outputParameterKey": "accuracy"},
                            {"producerSubtask": "prepare", "outputParameterKey": "rows"},
                        ]
                    }
                },
            ),
            id="OneOf of parameters",
        ),
        pytest.param(
            spoiled(
                SPEC,
                "root/dag/outputs/artifacts/model/artifactSelectors",
                [
                    {"producerSubtask": "train", "outputArtifactKey": "model"},
                    {"producerSubtask": "prepare", "outputArtifactKey": "data"},
                ],
            ),
            id="OneOf of artifacts",
        ),
        pytest.param(
            without(
                spoiled(SPEC, EXECUTOR, {"importer": {"artifactUri": {"constant": "s3://b/k"}}}),
                "root/dag/outputs/parameters",
            ),
            id="importer",
        ),
    ],
)
def test_these_features_are_supported(spec: Spec) -> None:
    assert isinstance(parse_document([spec]), PipelineDocument)


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
def test_an_unknown_field_is_rejected(place: str, field: str) -> None:
    (fault,) = refused(spoiled(SPEC, place, "now"))
    assert (fault.field, fault.message) == (
        field,
        "the field 'futureOption' is not supported",
    )


def test_a_field_of_a_list_item_is_found() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]
    (fault,) = refused(spoiled(SPEC, f"{EXECUTOR}/container/env", env))
    assert fault.field == "deploymentSpec.executors[exec-train].container.env[1].valueFrom"


@pytest.mark.parametrize(
    ("place", "field", "feature"),
    [
        (
            f"{KUBERNETES}/pipelineConfig/futureOption",
            "platforms.kubernetes.pipelineConfig.futureOption",
            "the field 'futureOption'",
        ),
        (
            f"{KUBERNETES}/pipelineConfig/workspace/futureOption",
            "platforms.kubernetes.pipelineConfig.workspace.futureOption",
            "the field 'futureOption'",
        ),
        (
            f"{KUBERNETES}/deploymentSpec/futureOption",
            "platforms.kubernetes.deploymentSpec.futureOption",
            "the field 'futureOption'",
        ),
        ("platforms/elsewhere", "platforms.elsewhere", "the field 'elsewhere'"),
    ],
)
def test_unsupported_platform_settings_are_rejected_in_the_same_way(
    place: str, field: str, feature: str
) -> None:
    (fault,) = refused(SPEC, spoiled(platform(), place, {}))
    assert fault.code == RejectionCode.UNSUPPORTED_FEATURE
    assert (fault.field, fault.message) == (field, f"{feature} is not supported")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (f"{KUBERNETES}/deploymentSpec/executors/exec-train/secretAsEnv", [{"secretName": "s"}]),
        (f"{KUBERNETES}/pipelineConfig", {"workspace": {"size": "1Gi"}}),
        (f"{KUBERNETES}/pipelineConfig", {"activeDeadlineSeconds": 60}),
        (f"{KUBERNETES}/pipelineConfig", {"resourceTtlOnCompletion": 60}),
    ],
)
def test_settings_of_an_executor_are_kept_for_the_backend_and_a_workspace_is_supported(
    place: str, value: object
) -> None:
    document = parse_document([SPEC, spoiled(platform(), place, value)])
    written = document.model_dump(mode="json", exclude_unset=True)["platform_spec"]
    for key in place.split("/"):
        written = written[key]
    assert written == value


@pytest.mark.parametrize("seconds", ["soon", 1.5, -1, 10**18])
def test_a_platform_setting_of_the_wrong_type_is_a_fault_of_the_spec(seconds: object) -> None:
    place = f"{KUBERNETES}/deploymentSpec/executors/exec-train/activeDeadlineSeconds"
    (fault,) = refused(SPEC, spoiled(platform(), place, seconds))
    assert fault.code == RejectionCode.INVALID_SPEC
    assert fault.field == place.replace("/exec-train/", "[exec-train].").replace("/", ".")


def test_faults_of_the_spec_are_reported_before_features() -> None:
    both = spoiled(spoiled(SPEC, "futureOption", 1), f"{TRAIN}/dependentTasks", ["nope"])
    assert {fault.code for fault in refused(both)} == {RejectionCode.INVALID_SPEC}


def test_optional_artifacts_of_the_root_and_empty_platforms_are_accepted() -> None:
    optional = spoiled(
        SPEC,
        "root/inputDefinitions/artifacts/seed",
        {"artifactType": artifact_type("Artifact"), "isOptional": True},
    )
    document = parse_document([optional, {"platforms": {}}])
    assert document.pipeline_spec.root.input_definitions.artifacts["seed"].is_optional


def test_the_models_keep_unknown_fields() -> None:
    spec = SPEC
    for place in ("futureOption", f"{TRAIN}/futureOption", f"{EXECUTOR}/container/futureOption"):
        spec = spoiled(spec, place, {"deep": [1, None]})
    node = PipelineDocument.model_validate({"pipeline_spec": spec})
    written = node.model_dump(mode="json", exclude_unset=True)["pipeline_spec"]
    assert written == spec
