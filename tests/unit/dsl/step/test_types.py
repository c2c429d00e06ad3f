"""Annotations of component functions."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, List, Optional, Union

import pytest
from headrace.step import types
from headrace.step.artifacts import Dataset

LIGHT = types.LightAnnotated(types.InputAnnotation)


@pytest.mark.parametrize("marked", [types.Input, LIGHT], ids=["typing", "light"])
def test_reading_a_marked_annotation(marked: Any) -> None:
    for optional in (Optional[marked[Dataset]], marked[Dataset] | None, marked[Dataset]):
        found = types.without_optional(optional)
        assert types.marker(found) is types.InputAnnotation
        assert types.unmarked(found) is Dataset
    assert types.artifact_list_item(types.unmarked(marked[List[Dataset]])) is Dataset


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, "STRING"),
        (int, "NUMBER_INTEGER"),
        (float, "NUMBER_DOUBLE"),
        (bool, "BOOLEAN"),
        (dict, "STRUCT"),
        (list, "LIST"),
        (list[int], "LIST"),
        (typing.List[int], "LIST"),
        (typing.Dict[str, Any], "STRUCT"),
        ("String", "STRING"),
        ("JsonObject", "STRUCT"),
        (types.PipelineTaskFinalStatus, "STRUCT"),
        (types.TaskConfig, "STRUCT"),
        (Dataset, None),
        (set, None),
        (None, None),
    ],
)
def test_parameter_types(annotation: Any, expected: str | None) -> None:
    assert types.parameter_type(annotation) == expected


def test_both_spellings_of_optional_are_unwrapped() -> None:
    for annotation in (Optional[str], str | None, Union[None, str], Union[str, None]):
        assert types.without_optional(annotation) is str
    assert types.without_optional(Union[str, int]) == Union[str, int]


def test_types_of_path_annotations() -> None:
    assert types.OutputPath(int).type is int
    assert types.OutputPath("Model").type == "system.Model@0.0.1"
    assert types.InputPath(Dataset).type == "system.Dataset@0.0.1"
    assert types.InputPath().type == "system.Artifact@0.0.1"
    assert types.InputPath("Other").type == "system.Artifact@0.0.1"
    assert types.InputPath() == types.InputPath("Other") != types.OutputPath()
    assert len({types.InputPath(Dataset), types.InputPath("Dataset")}) == 1


def test_records_are_dataclasses() -> None:
    config = types.TaskConfig(env=[{"name": "a"}])
    assert dataclasses.is_dataclass(config)
    assert dataclasses.asdict(config)["env"] == [{"name": "a"}]
    assert config != types.TaskConfig()
    status = types.PipelineTaskFinalStatus("COMPLETE", "run", "exit-handler-1", None, None)
    assert repr(status).startswith("PipelineTaskFinalStatus(state='COMPLETE', ")
