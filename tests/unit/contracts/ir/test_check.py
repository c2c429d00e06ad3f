"""Loops, conditions, policies, importers, nesting and outputs of DAGs: each fault with its path."""

from __future__ import annotations

from typing import Any

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.check import MAX_NESTING, MAX_PATH
from headrace_contracts.ir.parse import SpecError, parse_document

from tests.support.specs import Spec, artifact_type, spoiled, training, without

SPEC = training()
TRAIN = "root/dag/tasks/train"
AT_TRAIN = "root.dag.tasks[train]"
NOTE = f"{TRAIN}/inputs/parameters/note"
AT_NOTE = f"{AT_TRAIN}.inputs.parameters[note]"
RATE = f"{TRAIN}/inputs/parameters/rate"
AT_RATE = f"{AT_TRAIN}.inputs.parameters[rate].runtimeValue.constant"
ONE = {"componentRef": {"name": "comp-prepare"}, "inputs": {"parameters": {}}}


def faults(spec: Spec) -> list[tuple[str | None, str]]:
    with pytest.raises(SpecError) as caught:
        parse_document([spec])
    assert {fault.code for fault in caught.value.faults} == {RejectionCode.INVALID_SPEC}
    return [(fault.field, fault.message) for fault in caught.value.faults]


def looped(iterator: Any, *, rounds: bool = False) -> Spec:
    """``train`` as a loop whose item goes into ``rounds``, unless `rounds` has another source."""
    spec = SPEC if rounds else without(SPEC, f"{TRAIN}/inputs/parameters/rounds")
    return spoiled(spec, f"{TRAIN}/parameterIterator", iterator)


def artifact_looped(iterator: Any) -> Spec:
    return spoiled(SPEC, f"{TRAIN}/artifactIterator", iterator)


def imported(importer: Any) -> Spec:
    """``train`` as an importer."""
    spec = spoiled(SPEC, "deploymentSpec/executors/exec-train", {"importer": importer})
    spec = without(spec, "components/comp-train/outputDefinitions/parameters")
    return without(spec, "root/dag/outputs/parameters")


def one_of(*selectors: tuple[str, str]) -> Spec:
    found = [{"producerSubtask": task, "outputParameterKey": key} for task, key in selectors]
    value = {"valueFromOneof": {"parameterSelectors": found}}
    return spoiled(SPEC, "root/dag/outputs/parameters/accuracy", value)


def one_artifact_of(*selectors: tuple[str, str]) -> Spec:
    found = [{"producerSubtask": task, "outputArtifactKey": key} for task, key in selectors]
    return spoiled(SPEC, "root/dag/outputs/artifacts/model/artifactSelectors", found)


def nested(levels: int, key: str = "inner") -> Spec:
    """The pipeline with a component of `levels` DAGs, nested in each other, in addition."""
    spec = without(
        spoiled(SPEC, "components/comp-0", SPEC["components"]["comp-prepare"]),
        "components/comp-0/inputDefinitions",
    )
    for level in range(1, levels + 1):
        dag = {"tasks": {key: {"componentRef": {"name": f"comp-{level - 1}"}}}}
        spec["components"][f"comp-{level}"] = {"dag": dag}
    return spoiled(spec, f"root/dag/tasks/{key}", {"componentRef": {"name": f"comp-{levels}"}})


ITERATOR = f"{AT_TRAIN}.parameterIterator"
LOOPS = [
    (looped({"itemInput": "rounds"}), f"{ITERATOR}.items", "exactly one of raw and inputParameter"),
    (looped({"itemInput": "rounds", "items": {}}), f"{ITERATOR}.items", "exactly one of raw and"),
    (
        looped({"itemInput": "rounds", "items": {"raw": "[1]", "inputParameter": "rows"}}),
        f"{ITERATOR}.items",
        "exactly one of raw and inputParameter",
    ),
    *(
        (looped({"itemInput": "rounds", "items": {"raw": raw}}), f"{ITERATOR}.items.raw", words)
        for words in ["must be a JSON list"]
        for raw in ("", "[1", "{}", '"[1]"', "1", "null", "[" * 100_000)
    ),
    (
        looped({"itemInput": "rounds", "items": {"inputParameter": "nope"}}),
        f"{ITERATOR}.items.inputParameter",
        "the task has no input parameter 'nope'",
    ),
    (
        looped({"itemInput": "nope", "items": {"raw": "[1]"}}, rounds=True),
        f"{ITERATOR}.itemInput",
        "there is no input parameter 'nope'",
    ),
    (
        looped({"items": {"raw": "[1]"}}, rounds=True),
        f"{ITERATOR}.itemInput",
        "there is no input parameter ''",
    ),
    (
        artifact_looped({"itemInput": "nope", "items": {"inputArtifact": "data"}}),
        f"{AT_TRAIN}.artifactIterator.itemInput",
        "there is no input artifact 'nope'",
    ),
    (
        artifact_looped({"itemInput": "data", "items": {"inputArtifact": "baseline"}}),
        f"{AT_TRAIN}.artifactIterator.items.inputArtifact",
        "the task has no input artifact 'baseline'",
    ),
    (
        artifact_looped({"itemInput": "data"}),
        f"{AT_TRAIN}.artifactIterator.items.inputArtifact",
        "the task has no input artifact ''",
    ),
    (
        spoiled(
            artifact_looped({"itemInput": "data", "items": {"inputArtifact": "data"}}),
            f"{TRAIN}/parameterIterator",
            {"itemInput": "rounds", "items": {"raw": "[1]"}},
        ),
        AT_TRAIN,
        "either parameters or artifacts, not both",
    ),
    (
        spoiled(
            looped({"itemInput": "rounds", "items": {"raw": "[1]"}}),
            f"{TRAIN}/iteratorPolicy",
            {"parallelismLimit": -1},
        ),
        f"{AT_TRAIN}.iteratorPolicy.parallelismLimit",
        "must not be negative",
    ),
]
RETRIES = f"{AT_TRAIN}.retryPolicy"
POLICIES = [
    (
        spoiled(SPEC, f"{TRAIN}/retryPolicy", {"maxRetryCount": -1}),
        f"{RETRIES}.maxRetryCount",
        "must not be negative",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/retryPolicy", {"backoffFactor": -0.5}),
        f"{RETRIES}.backoffFactor",
        "must not be negative",
    ),
    *(
        (
            spoiled(SPEC, f"{TRAIN}/retryPolicy", {"maxRetryCount": 1, name: text}),
            f"{RETRIES}.{name}",
            words,
        )
        for name in ("backoffDuration", "backoffMaxDuration")
        for text, words in (
            ("5", "\"5\" is not a duration in seconds, such as '5s'"),
            ("5m", "is not a duration"),
            ("-5s", "is not a duration"),
            ("1e3s", "is not a duration"),
            ("٣s", "is not a duration"),
            ("soon" * 100, "is not a duration"),
            ("9" * 30 + "s", "is longer than"),
            ("9" * 400 + "s", "is longer than"),
        )
    ),
    (
        spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"strategy": "ANY"}),
        f"{AT_TRAIN}.triggerPolicy.strategy",
        "unknown strategy 'ANY'",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"condition": "1 =="}),
        f"{AT_TRAIN}.triggerPolicy.condition",
        "'1 ==' is not valid CEL",
    ),
    (
        spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"condition": "(" * 500 + "1" + ")" * 500}),
        f"{AT_TRAIN}.triggerPolicy.condition",
        "recursion",
    ),
    (
        spoiled(
            SPEC, f"{TRAIN}/inputs/parameters/rounds/parameterExpressionSelector", "parseJson("
        ),
        f"{AT_TRAIN}.inputs.parameters[rounds].parameterExpressionSelector",
        "'parseJson(' is not valid CEL",
    ),
]
CONSTANTS = [
    (
        spoiled(SPEC, f"{TRAIN}/inputs/parameters/{name}", {"runtimeValue": {"constant": value}}),
        f"{AT_TRAIN}.inputs.parameters[{name}].runtimeValue.constant",
        words,
    )
    for name, value, words in (
        ("rate", "fast", "expected a number, got"),
        ("rate", True, "expected a number, got true"),
        ("rate", [0.5], "expected a number, got [0.5]"),
        ("rounds", 1.5, "expected an integer, got 1.5"),
        ("rounds", "3", "expected an integer"),
        ("rounds", {"a": 1}, "expected an integer"),
    )
] + [
    (
        spoiled(
            spoiled(SPEC, NOTE, {"runtimeValue": {"constant": value}}),
            "components/comp-train/inputDefinitions/parameters/note/parameterType",
            kind,
        ),
        f"{AT_NOTE}.runtimeValue.constant",
        words,
    )
    for kind, value, words in (
        ("BOOLEAN", "true", "expected true or false"),
        ("BOOLEAN", 1, "expected true or false, got 1"),
        ("LIST", "[1]", "expected a list"),
        ("LIST", {}, "expected a list, got {}"),
        ("STRUCT", [], "expected an object, got []"),
        ("TASK_FINAL_STATUS", "SUCCEEDED", "expected a task's final status"),
    )
]
REFERENCES = [
    (
        spoiled(SPEC, NOTE, {"taskFinalStatus": {"producerTask": "nope"}}),
        AT_TRAIN,
        "depends on task 'nope', which is not in this DAG",
    ),
    (
        spoiled(SPEC, NOTE, {"taskFinalStatus": {"producerTask": "train"}}),
        AT_TRAIN,
        "depends on itself",
    ),
    (
        spoiled(SPEC, NOTE, {"runtimeValue": {"runtimeParameter": "nope"}}),
        AT_NOTE,
        "there is no input parameter 'nope'",
    ),
    (
        spoiled(SPEC, NOTE, {"taskFinalStatus": {"producerTask": "prepare"}, "runtimeValue": {}}),
        AT_NOTE,
        "has more than one source",
    ),
    (
        spoiled(
            without(SPEC, f"{TRAIN}/dependentTasks"),
            "root/dag/tasks/prepare/inputs/parameters/label",
            {"taskOutputParameter": {"producerTask": "train", "outputParameterKey": "accuracy"}},
        ),
        "root.dag.tasks",
        "in a cycle",
    ),
    *(
        (
            spoiled(SPEC, "root/dag/tasks", {**SPEC["root"]["dag"]["tasks"], key: ONE}),
            f"root.dag.tasks[{key}]",
            "invalid task key",
        )
        for key in ("", "a/b", "a\nb", "a" * 129)
    ),
]
ONE_OF = [
    (one_of(), "root.dag.outputs.parameters[accuracy]", "has no source"),
    (
        one_of(("train", "accuracy"), ("nope", "accuracy")),
        "root.dag.outputs.parameters[accuracy]",
        "refers to task 'nope', which is not in this DAG",
    ),
    (
        one_of(("train", "accuracy"), ("prepare", "nope")),
        "root.dag.outputs.parameters[accuracy]",
        "task 'prepare' has no output parameter 'nope'",
    ),
    (
        spoiled(
            one_of(("train", "accuracy")),
            "root/dag/outputs/parameters/accuracy/valueFromParameter",
            {"producerSubtask": "train", "outputParameterKey": "accuracy"},
        ),
        "root.dag.outputs.parameters[accuracy]",
        "has more than one source",
    ),
    (
        one_artifact_of(("train", "model"), ("nope", "model")),
        "root.dag.outputs.artifacts[model]",
        "refers to task 'nope', which is not in this DAG",
    ),
    (
        one_artifact_of(("train", "model"), ("prepare", "rows")),
        "root.dag.outputs.artifacts[model]",
        "task 'prepare' has no output artifact 'rows'",
    ),
]
IMPORTERS = [
    (
        imported({"artifactUri": {"runtimeParameter": "uri"}}),
        "components[comp-train].inputDefinitions",
        "the importer's URI, 'uri', is not an input",
    ),
    (
        without(
            spoiled(
                imported({"artifactUri": {"constant": "s3://b/k"}}),
                "components/comp-train/outputDefinitions",
                {},
            ),
            "root/dag/outputs",
        ),
        "components[comp-train].outputDefinitions",
        "an importer must have exactly one output artifact",
    ),
    (
        spoiled(
            imported({"artifactUri": {"constant": "s3://b/k"}}),
            "components/comp-train/outputDefinitions/artifacts/second",
            {"artifactType": artifact_type("Model")},
        ),
        "components[comp-train].outputDefinitions",
        "an importer must have exactly one output artifact",
    ),
]
CYCLE = spoiled(
    spoiled(
        SPEC, "components/comp-a", {"dag": {"tasks": {"b": {"componentRef": {"name": "comp-b"}}}}}
    ),
    "components/comp-b",
    {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}}}}},
)
ITSELF = {"dag": {"tasks": {"me": {"componentRef": {"name": "comp-me"}}}}}
NESTING = [
    (CYCLE, "components", "contain each other in a cycle: comp-"),
    (spoiled(SPEC, "components/comp-me", ITSELF), "components", "in a cycle: comp-me -> comp-me"),
    (
        nested(MAX_NESTING + 1),
        f"components[comp-{MAX_NESTING + 1}]",
        f"nested deeper than {MAX_NESTING}",
    ),
    (nested(1000), f"components[comp-{MAX_NESTING + 1}]", f"nested deeper than {MAX_NESTING}"),
    (nested(MAX_NESTING, "k" * 100), "root.dag.tasks", f"exceeds {MAX_PATH} bytes"),
    (
        spoiled(SPEC, "components/comp-empty", {"dag": {"tasks": {}}}),
        "components[comp-empty].dag.tasks",
        "is empty",
    ),
    (
        spoiled(SPEC, "components/comp-train/dag", {"tasks": {}}),
        "components[comp-train].dag.tasks",
        "is empty",
    ),
]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [*LOOPS, *POLICIES, *CONSTANTS, *REFERENCES, *ONE_OF, *IMPORTERS, *NESTING],
)
def test_a_fault_has_a_path(spec: Spec, field: str, message: str) -> None:
    found = faults(spec)
    assert any(place == field and message in text for place, text in found), found
    assert all(len(text) < 1000 for _, text in found)


@pytest.mark.parametrize(
    "spec",
    [
        looped({"itemInput": "rounds", "items": {"raw": "[]"}}),
        looped({"itemInput": "rounds", "items": {"raw": '[{"a": 1}, null]'}}),
        looped({"itemInput": "rounds", "items": {"inputParameter": "rows"}}),
        spoiled(SPEC, f"{TRAIN}/iteratorPolicy", {"parallelismLimit": 0}),
        spoiled(SPEC, f"{TRAIN}/retryPolicy", {}),
        spoiled(SPEC, f"{TRAIN}/retryPolicy", {"maxRetryCount": 1, "backoffDuration": "0.25s"}),
        spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"strategy": "TRIGGER_STRATEGY_UNSPECIFIED"}),
        spoiled(SPEC, f"{TRAIN}/triggerPolicy", {"strategy": "ALL_UPSTREAM_TASKS_SUCCEEDED"}),
        spoiled(SPEC, RATE, {"runtimeValue": {"constant": 1}}),
        spoiled(SPEC, RATE, {"runtimeValue": {"constant": "{{$.inputs.parameters['rounds']}}"}}),
        spoiled(SPEC, NOTE, {"runtimeValue": {"constant": {"any": ["value"]}}}),
        one_of(("train", "accuracy"), ("prepare", "rows")),
        one_artifact_of(("train", "model"), ("prepare", "data")),
        imported({"artifactUri": {"constant": "s3://b/k"}, "reimport": True}),
        imported({"artifactUri": {"runtimeParameter": "rounds"}}),
        nested(1),
        nested(MAX_NESTING),
        nested(MAX_NESTING, "k" * 29),
        spoiled(
            SPEC,
            "root/dag/tasks",
            {
                **SPEC["root"]["dag"]["tasks"],
                "Größe 2": {**SPEC["root"]["dag"]["tasks"]["prepare"]},
            },
        ),
    ],
)
def test_these_variations_are_valid(spec: Spec) -> None:
    assert parse_document([spec]).pipeline_spec.pipeline_info.name == "train-digits"


@pytest.mark.parametrize(
    ("place", "value", "field", "message"),
    [
        (NOTE, {"runtimeValue": {"constant": "a\0b"}}, f"{AT_NOTE}.runtimeValue.constant", "NUL"),
        (f"{TRAIN}/taskInfo/name", "\ud800", f"{AT_TRAIN}.taskInfo.name", "not Unicode text"),
        (
            f"{TRAIN}/taskInfo",
            {"na\0me": 1},
            f"{AT_TRAIN}.taskInfo",
            "has a key that contains a NUL",
        ),
        (RATE, {"runtimeValue": {"constant": float("nan")}}, AT_RATE, "not a JSON number"),
        (RATE, {"runtimeValue": {"constant": -1e999}}, AT_RATE, "is -inf, which is not"),
        (f"{TRAIN}/dependentTasks", ["\0"], f"{AT_TRAIN}.dependentTasks[0]", "NUL"),
    ],
)
def test_a_value_that_cannot_be_stored_is_rejected(
    place: str, value: Any, field: str, message: str
) -> None:
    ((found, text),) = faults(spoiled(SPEC, place, value))
    assert found == field
    assert message in text


def test_a_value_that_is_nested_too_deeply_is_rejected() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    ((_, text),) = faults(spoiled(SPEC, RATE, {"runtimeValue": {"constant": value}}))
    assert text == "is nested deeper than 200 levels"
