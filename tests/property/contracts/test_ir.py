"""Properties of parameter values and of the IR's models, over random JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from headrace_contracts.failures import Rejection
from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parameters import (
    PARAMETER_TYPES,
    ParameterError,
    convert,
    whole_numbers,
)
from headrace_contracts.ir.parse import SpecError, parse_document
from hypothesis import event, given
from hypothesis import strategies as st

from tests.support.specs import spoiled, training

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
PLACES = (
    "futureOption",
    "pipelineInfo/futureOption",
    "root/dag/tasks/train",
    "root/dag/tasks/train/inputs",
    "root/dag/tasks/train/inputs/parameters/rounds",
    "root/dag/tasks/train/dependentTasks",
    "root/dag/outputs",
    "components",
    "components/comp-train/inputDefinitions",
    "deploymentSpec",
    "deploymentSpec/executors/exec-train/container",
    "schemaVersion",
    "root",
    "root/dag/tasks/train/triggerPolicy",
    "root/dag/tasks/train/triggerPolicy/condition",
    "root/dag/tasks/train/retryPolicy",
    "root/dag/tasks/train/retryPolicy/backoffDuration",
    "root/dag/tasks/train/parameterIterator",
    "root/dag/tasks/train/parameterIterator/items/raw",
    "root/dag/tasks/train/artifactIterator",
    "root/dag/tasks/train/inputs/parameters/rounds/parameterExpressionSelector",
    "root/dag/outputs/parameters/accuracy/valueFromOneof",
    "deploymentSpec/executors/exec-train/importer",
)
MUTATIONS = ("replace", "remove", "copy", "rename")


@given(VALUES)
def test_whole_numbers_preserves_the_value(value: Any) -> None:
    changed = whole_numbers(value)
    assert changed == value
    assert whole_numbers(changed) == changed
    assert not any(
        isinstance(leaf, float) and leaf.is_integer() and abs(leaf) <= 2**53
        for leaf in leaves(changed)
    )


@given(VALUES, st.sampled_from(sorted(PARAMETER_TYPES)))
def test_a_converted_value_converts_to_itself(value: Any, kind: str) -> None:
    try:
        fitted = convert(value, kind)
    except ParameterError:
        assert kind != "STRING"
        return
    assert convert(fitted, kind) == fitted


@given(VALUES.filter(lambda value: not isinstance(value, str)))
def test_the_text_of_a_value_is_its_json(value: Any) -> None:
    assert json.loads(convert(value, "STRING")) == value


@given(st.sampled_from(PLACES), VALUES)
def test_any_corrupted_spec_is_parsed_or_rejected_with_faults(place: str, value: Any) -> None:
    faults: list[Rejection] = []
    try:
        parse_document([spoiled(training(), place, value)])
    except SpecError as error:
        faults = error.faults
        event("refused")
    assert all(fault.message for fault in faults)
    assert SpecError(faults).rejection.code == faults[0].code if faults else True


@given(st.lists(st.tuples(st.sampled_from(MUTATIONS), VALUES, st.randoms()), max_size=4))
def test_any_mutation_is_parsed_or_rejected(mutations: list[Any]) -> None:
    spec = training()
    for kind, value, random in mutations:
        mutate(spec, kind, value, random)
    try:
        document = parse_document([spec])
    except SpecError:
        event("refused")
    else:
        event("read")
        assert PipelineDocument.model_validate_json(document.model_dump_json()) == document


@given(VALUES)
def test_any_other_value_is_rejected(value: Any) -> None:
    with pytest.raises(SpecError):
        parse_document([value])


@given(st.dictionaries(st.text(max_size=8).map("x-{}".format), VALUES, max_size=3))
def test_unknown_fields_survive_storage(extra: Any) -> None:
    spec = spoiled(training(), "root/dag/tasks/train/extra", extra)
    stored = PipelineDocument.model_validate({"pipeline_spec": spec}).model_dump_json()
    again = PipelineDocument.model_validate_json(stored)
    assert again.model_dump_json() == stored
    task = again.pipeline_spec.root.dag.tasks["train"]  # type: ignore[union-attr]
    assert (task.model_extra or {})["extra"] == extra


def mutate(spec: Any, kind: str, value: Any, random: Random) -> None:
    """Change one value within the spec."""
    places = list(slots(spec))
    holder, key = random.choice(places)
    other, other_key = random.choice(places)
    match kind:
        case "replace":
            holder[key] = value
        case "remove":
            del holder[key]
        case "copy":
            holder[key] = copy.deepcopy(other[other_key])
        case "rename" if isinstance(holder, dict):
            holder[str(value)] = holder.pop(key)


def slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list within the value, with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from slots(value[key])


def leaves(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [value]
