"""A notebook as a step, with parameters and artifacts as inputs and outputs, compiled by both
SDKs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import ROOT, Deployment
from tests.support.waiting import until

PYTHONS = {"headrace": Path(sys.executable), "kfp": ROOT / ".kfp" / "bin" / "python"}
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PYTHONS["kfp"].exists(), reason="`make kfp` installs the SDK"),
]

HELPER = """
def scaled(values, factor):
    return [value * factor for value in values]
"""
CELLS = [
    ([], "print('before the parameters', 'factor' in globals())"),
    (["parameters"], "source, target, factor, settings = '', '', 1.0, {}"),
    (
        [],
        """
from helper import scaled

values = scaled([float(word) for word in open(source).read().split()], factor)
print("scaled", values)""",
    ),
    (
        [],
        """
import time

if settings.get("sleep"):
    print("sleeping", flush=True)
    time.sleep(600)
if settings.get("fail"):
    raise ValueError("as asked")
with open(target, "w") as file:
    file.write("\\n".join(map(str, values)))
sum(values)""",
    ),
]
SOURCE = """
from typing import Dict

from SDK import compiler, dsl
from SDK.dsl import Dataset, Input, Metrics, Output

@dsl.component(base_image="python:3.11")
def make(data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write("1 2 3")

@dsl.notebook_component(base_image="python:3.11", notebook_path="study")
def study(
    data: Input[Dataset], factor: float, settings: Dict[str, bool],
    report: Output[Dataset], metrics: Output[Metrics],
) -> float:
    dsl.run_notebook(source=data.path, target=report.path, factor=factor, settings=settings)
    with open(report.path) as file:
        total = sum(float(line) for line in file)
    report.metadata["rows"] = 3
    metrics.log_metric("total", total)
    return total

@dsl.component(base_image="python:3.11")
def read(report: Input[Dataset]) -> str:
    with open(report.path) as file:
        return file.read()

@dsl.pipeline(name="study")
def pipeline(factor: float = 2.0, settings: Dict[str, bool] = {}) -> str:
    studied = study(data=make().outputs["data"], factor=factor, settings=settings)
    return read(report=studied.outputs["report"]).output

compiler.Compiler().compile(pipeline, "study.yaml")
"""


def _cell(number: int, tags: list[str], source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {"tags": tags},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A function that compiles the pipeline with an SDK and returns the package's path."""

    def compile_with(sdk: str) -> str:
        folder = tmp_path_factory.mktemp(sdk)
        study = folder / "study"
        study.mkdir()
        (study / "helper.py").write_text(HELPER)
        cells = [_cell(number, *cell) for number, cell in enumerate(CELLS)]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (study / "study.ipynb").write_text(json.dumps(notebook))
        (folder / "define.py").write_text(SOURCE.replace("SDK", sdk))
        command = [str(PYTHONS[sdk]), "-W", "ignore", "define.py"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return str(folder / "study.yaml")

    return compile_with


@pytest.mark.parametrize("sdk", PYTHONS)
def test_a_notebook_runs_as_a_step(
    deployment: Deployment, compiled: Callable[[str], str], sdk: str
) -> None:
    run = deployment.json("run", "submit", compiled(sdk), "-p", "factor=2.5", "--wait")
    assert run["state"] == "SUCCEEDED"
    assert run["outputs"] == {"Output": "2.5\n5.0\n7.5"}
    study = next(task for task in run["tasks"] if task["name"] == "study")
    assert study["outputs"] == {"Output": 15}
    assert study["artifacts"]["report"][0]["metadata"]["rows"] == 3
    assert study["artifacts"]["metrics"][0]["metadata"]["total"] == 15
    said = deployment.json("run", "logs", run["run_id"], "study")["logs"]["study"]
    for words in ("before the parameters False\n", "scaled [2.5, 5.0, 7.5]\n", "\n15.0\n"):
        assert words in said


def test_a_failing_cell_fails_the_step(
    deployment: Deployment, compiled: Callable[[str], str]
) -> None:
    arguments = ("-p", 'settings={"fail": true}', "--wait")
    run = deployment.json("run", "submit", compiled("headrace"), *arguments, expect=1)
    study = next(task for task in run["tasks"] if task["name"] == "study")
    assert study["state"] == "FAILED"
    message = study["error"]["message"]
    assert message.startswith("RuntimeError: Notebook execution failed. ValueError: as asked; ")
    assert 'raise ValueError("as asked")' in message
    assert "\x1b" not in message
    assert "scaled [2.0, 4.0, 6.0]" in message


def test_a_notebook_logs_while_it_runs_and_ends_when_it_is_canceled(
    deployment: Deployment, compiled: Callable[[str], str]
) -> None:
    arguments = ("-p", 'settings={"sleep": true}')
    run_id = deployment.json("run", "submit", compiled("headrace"), *arguments)["run_id"]
    until(lambda: "sleeping" in _said(deployment, run_id))
    assert _kernels(deployment)
    deployment.json("run", "cancel", run_id)
    until(lambda: deployment.json("run", "get", run_id)["state"] == "CANCELED")
    until(lambda: not _kernels(deployment))


def _said(deployment: Deployment, run_id: str) -> str:
    return str(deployment.json("run", "logs", run_id, "study")["logs"].get("study", ""))


def _kernels(deployment: Deployment) -> list[str]:
    return [line for line in deployment.processes() if "ipykernel_launcher" in line]
