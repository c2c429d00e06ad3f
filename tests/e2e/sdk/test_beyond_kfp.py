"""Pipelines that kfp cannot compile run as written."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from headrace import compiler

from tests.differential.switch import switch
from tests.mutual.arguments import required
from tests.support.deployment import Deployment

pytestmark = pytest.mark.e2e
RETURNED = {
    "parts_of_items_in_texts": ["1 and 2"],
    "items_of_several_loops_in_a_text": ["x a", "y a"],
    "an_item_in_a_text_under_a_condition": ["a a", "b a"],
    "a_part_of_an_item_in_an_inner_loop": ["1 x", "1 y", 2, 2],
    "a_part_of_an_item_under_a_condition": [2],
    "a_part_of_an_item_under_an_exit_handler": ["1", "a"],
    "a_part_of_a_part_under_a_condition": ["a"],
    "an_input_whose_name_is_in_that_of_a_loop": ["w"],
    "one_collected_for_two": [1, 2, 3, 3],
}
"""The values that steps of some of them return, sorted as texts."""


def _pipelines() -> list[Any]:
    switch("headrace")
    return list(importlib.import_module("tests.differential.pipelines.beyond_kfp").BEYOND_KFP)


@pytest.mark.parametrize("function", _pipelines(), ids=lambda function: function.__name__)
def test_a_pipeline_that_kfp_cannot_compile_runs(
    deployment: Deployment, function: Any, tmp_path: Path
) -> None:
    pipeline = function()
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    given: list[str] = []
    for name, value in required(pipeline.pipeline_spec).items():
        given += ["-p", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    run = deployment.json("run", "submit", str(path), *given, "--wait")
    assert run["state"] == "SUCCEEDED", run.get("error")
    said = [
        task["outputs"]["Output"]
        for task in run["tasks"]
        if task["name"].startswith(("say", "count", "total")) and task["outputs"]
    ]
    assert "{{" not in json.dumps(said)
    if function.__name__ in RETURNED:
        assert sorted(said, key=str) == RETURNED[function.__name__]
