"""The same pipeline with the steps of kfp and with those of Headrace's own SDK: equal results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import ROOT, Deployment

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not KFP_PYTHON.exists(), reason="`make kfp` installs the SDK"),
]

SOURCE = """
import warnings
from typing import Dict, List, NamedTuple, Optional

warnings.simplefilter("ignore")
from kfp import compiler, dsl
from kfp.dsl import *

@dsl.component
def prepare(rows: int, seed: float, data: Output[Dataset], note: OutputPath(str)) -> List[int]:
    import logging
    with open(data.path, "w") as file:
        file.write("\\n".join(str(n * seed) for n in range(rows)))
    data.metadata["rows"] = rows
    with open(note, "w") as file:
        file.write("prepared ü")
    print("prepared", rows)
    logging.info("logged")
    return list(range(rows))

@dsl.component
def train(data: Input[Dataset], numbers: List[int], model: Output[Model], metrics: Output[Metrics],
          charts: Output[ClassificationMetrics], settings: Optional[Dict[str, float]] = None,
          ) -> NamedTuple("Trained", [("loss", float), ("names", Dict[str, int]), ("good", bool)]):
    text = open(data.path).read()
    with open(model.path, "w") as file:
        file.write(text.upper())
    model.framework = "none"
    model.metadata["settings"] = settings or {"default": 1.5}
    metrics.log_metric("loss", 0.25)
    charts.log_confusion_matrix(["a", "b"], [[3, 1], [0, 4]])
    charts.log_roc_curve([0.0, 1.0], [0.0, 1.0], [0.9, 0.1])
    return (0.25, {"rows": data.metadata["rows"], "sum": sum(numbers)}, True)

@dsl.component
def square(n: int) -> Dataset:
    made = dsl.Dataset(uri=dsl.get_uri("square"), metadata={"n": n})
    with open(made.path, "w") as file:
        file.write(str(n * n))
    return made

@dsl.component
def total(squares: Input[List[Dataset]], model: InputPath("Model"), note: str) -> int:
    print(note, open(model).read().split())
    return sum(int(open(square.path).read()) for square in squares)

@dsl.component
def fail(reason: str):
    print("last words")
    raise ValueError(f"as asked: {reason}")

@dsl.component
def tidy(word: str, status: PipelineTaskFinalStatus) -> str:
    return f"{word} {status.state} {status.pipeline_task_name} {bool(status.error_message)}"

@dsl.pipeline(name="own-sdk")
def everything(rows: int = 3, seed: float = 2.5, reason: str = ""):
    last = tidy(word="ended")
    with dsl.ExitHandler(last):
        made = prepare(rows=rows, seed=seed)
        trained = train(data=made.outputs["data"], numbers=made.outputs["Output"])
        with dsl.ParallelFor([1, 2, 3]) as n:
            each = square(n=n)
        with dsl.If(reason != ""):
            fail(reason=reason)
        total(squares=dsl.Collected(each.output), model=trained.outputs["model"],
              note=made.outputs["note"])

compiler.Compiler().compile(everything, "everything.yaml")
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same source, compiled by kfp and by Headrace."""
    folder = tmp_path_factory.mktemp("compiled")
    made = []
    for sdk, python in (("kfp", str(KFP_PYTHON)), ("headrace", sys.executable)):
        (folder / f"{sdk}_pipeline.py").write_text(
            SOURCE.replace("from kfp", f"from {sdk}").replace("everything.yaml", f"{sdk}.yaml")
        )
        command = [python, "-W", "ignore", f"{sdk}_pipeline.py"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        made.append(folder / f"{sdk}.yaml")
    return made[0], made[1]


def told(run: dict[str, Any]) -> dict[str, Any]:
    """What a run came to, without the ids, places and moments that are its own."""
    tasks = [
        {
            "name": task["name"],
            "state": task["state"],
            "outputs": task["outputs"],
            "artifacts": {
                name: [
                    {key: artifact[key] for key in ("name", "type", "metadata")}
                    | {"leaf": artifact["uri"].rpartition("/")[2]}
                    for artifact in made
                ]
                for name, made in task["artifacts"].items()
            },
        }
        for task in run["tasks"]
    ]
    return {
        "state": run["state"],
        "outputs": run["outputs"],
        "tasks": sorted(tasks, key=lambda task: str(sorted(task.items(), key=str))),
    }


def test_both_sdks_come_to_the_same(deployment: Deployment, packages: tuple[Path, Path]) -> None:
    theirs, ours = (
        deployment.json("run", "submit", str(package), "--wait") for package in packages
    )
    assert theirs["state"] == ours["state"] == "SUCCEEDED"
    outputs = {task["name"]: task["outputs"] for task in ours["tasks"]}
    assert outputs["total"] == {"Output": 14}
    assert told(ours) == told(theirs)
    logs = deployment.json("run", "logs", ours["run_id"])["logs"]
    prepared = next(text for name, text in logs.items() if name.endswith("prepare"))
    first, second = prepared.splitlines()
    assert first == "prepared 3"
    assert second.startswith("[Headrace 2")
    assert second.endswith(" INFO]: logged")


def test_both_sdks_fail_alike(deployment: Deployment, packages: tuple[Path, Path]) -> None:
    theirs, ours = (
        deployment.json("run", "submit", str(package), "-p", "reason=now", "--wait", expect=1)
        for package in packages
    )
    assert theirs["state"] == ours["state"] == "FAILED"
    messages = [
        next(task["error"]["message"] for task in run["tasks"] if task["name"] == "fail")
        for run in (theirs, ours)
    ]
    assert messages[1].startswith("ValueError: as asked: now; the command exited with code 1")
    assert messages[0].partition(";")[0] == messages[1].partition(";")[0]
    assert "last words" in messages[1]
    ended = [
        next(task["outputs"]["Output"] for task in run["tasks"] if task["name"] == "tidy")
        for run in (theirs, ours)
    ]
    assert ended == ["ended FAILED exit-handler-1 True"] * 2
