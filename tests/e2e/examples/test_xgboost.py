"""The XGBoost example on a deployment: its typed pipeline and its components."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from headrace.client import Client, Visualization

from tests.support.deployment import ROOT, Deployment
from tests.support.waiting import until

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
EXAMPLE = ROOT / "examples" / "xgboost_training_cm"
PACKAGE = EXAMPLE / "xgboost_training_v2.yaml"
COMPONENTS = ROOT / "tests" / "support" / "xgboost" / "components_pipeline.py"

pytestmark = pytest.mark.e2e


def test_the_pipeline_has_its_three_visualizations(deployment: Deployment, tmp_path: Path) -> None:
    run = _run(deployment, PACKAGE, f"region={tmp_path}")
    assert run["state"] == "SUCCEEDED"
    tasks = _tasks(run)
    matrix = _metadata(tasks["confusion-matrix"], "matrix")["confusionMatrix"]
    assert [spec["displayName"] for spec in matrix["annotationSpecs"]] == ["ACTION", "NONE"]
    counts = [row["row"] for row in matrix["rows"]]
    assert [sum(row) for row in counts] == [64, 107]
    accuracy = _metadata(tasks["confusion-matrix"], "metrics")["accuracy-score"]
    assert accuracy == pytest.approx((counts[0][0] + counts[1][1]) / 171)
    assert accuracy > 0.95
    curve = _metadata(tasks["roc"], "curve")["confidenceMetrics"]
    assert (curve[-1]["falsePositiveRate"], curve[-1]["recall"]) == (1, 1)
    assert _metadata(tasks["roc"], "metrics")["roc-auc-score"] > 0.98
    assert _metadata(tasks["predict"], "predictions")["rows"] == 171
    shown = _shown(deployment, run)
    assert "<th>predicted</th>" in shown["predict", "markdown"]["html"]
    assert shown["predict", "markdown"]["text"].count("\n") == 22
    assert shown["confusion-matrix", "confusion_matrix"]["counts"] == counts
    assert shown["confusion-matrix", "scalars"].rows[0]["value"] == accuracy
    _check_evaluation(shown, "roc")
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    assert "| target | predicted | ACTION | NONE |" in logs["exit-handler-1/predict"]
    for worker in (0, 1):
        assert f"worker {worker}: 199 rows of train" in logs["exit-handler-1/train-model"]
    assert list(tmp_path.glob("*/*")) == []


def test_the_cluster_is_deleted_when_the_training_fails(
    deployment: Deployment, tmp_path: Path
) -> None:
    run = _run(deployment, PACKAGE, f"region={tmp_path}", "rounds=0", expect=1)
    assert run["state"] == "FAILED"
    states = {name: task["state"] for name, task in _tasks(run).items()}
    assert states["create-cluster"] == "SUCCEEDED"
    assert states["train-model"] == "FAILED"
    assert states["predict"] == states["roc"] == states["confusion-matrix"] == "SKIPPED"
    assert states["delete-cluster"] == "SUCCEEDED"
    assert list(tmp_path.glob("*/*")) == []
    assert list(tmp_path.glob("*")) != []


@pytest.mark.parametrize("typed", [True, False])
def test_a_killed_worker_fails_the_run_and_leaves_no_process(
    deployment: Deployment, tmp_path: Path, typed: bool
) -> None:
    package = PACKAGE if typed else _components(tmp_path)
    place = ["-p", f"region={tmp_path / 'p'}"] if typed else []
    submit = ("run", "submit", str(package), "-p", f"rounds={10**6}", *place)
    run_id = deployment.json(*submit)["run_id"]
    workers = until(lambda: _workers(run_id))
    os.kill(workers[1], signal.SIGKILL)
    ended = {"SUCCEEDED", "FAILED", "CANCELED"}
    until(lambda: deployment.json("run", "get", run_id)["state"] in ended)
    run = deployment.json("run", "get", run_id)
    assert run["state"] == "FAILED"
    tasks = _tasks(run)
    message = tasks["train-model" if typed else "train"]["error"]["message"]
    said = "RuntimeError: a worker died" if typed else "worker 1 was killed by signal 9"
    assert said in message
    assert tasks["delete-cluster"]["state"] == "SUCCEEDED"
    assert [path for path in tmp_path.rglob("cluster.json")] == []
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_the_components_have_the_same_visualizations(
    deployment: Deployment, tmp_path: Path
) -> None:
    run = _run(deployment, _components(tmp_path))
    assert run["state"] == "SUCCEEDED"
    tasks = _tasks(run)
    shown = {
        (name, output)
        for name, task in tasks.items()
        for output, artifacts in task["artifacts"].items()
        if artifacts[0]["content"]["bytes"]
    }
    assert shown == {
        ("predict", "mlpipeline_ui_metadata"),
        ("confusion-matrix", "mlpipeline_ui_metadata"),
        ("confusion-matrix", "mlpipeline_metrics"),
        ("roc-curve", "mlpipeline_ui_metadata"),
        ("roc-curve", "mlpipeline_metrics"),
    }
    visualized = _shown(deployment, run)
    table = visualized["predict", "table"]
    assert table["columns"] == ["target", "predicted", "ACTION", "NONE"]
    assert len(table.rows) == 20
    assert all(0 <= row["ACTION"] <= 1 for row in table.rows)
    (accuracy,) = visualized["confusion-matrix", "scalars"]["scalars"]
    assert (accuracy["name"], accuracy["format"]) == ("accuracy-score", "PERCENTAGE")
    _check_evaluation(visualized, "roc-curve")
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    assert "ACTION,ACTION,63" in logs["exit-handler-1/confusion-matrix"]
    assert "one model of 2 worker(s)" in logs["exit-handler-1/train"]
    assert not (tmp_path / "p" / "xgb-1").exists()
    assert (tmp_path / "data" / "predicted" / "part-00000.csv").exists()


@pytest.mark.parametrize(
    ("argument", "failing", "says"),
    [
        ("target=nothing", "transform", "the schema has no column nothing of type CATEGORY"),
        ("workers=9", "train", "fewer files than there are workers (9)"),
    ],
)
def test_the_cluster_is_deleted_when_a_component_fails(
    deployment: Deployment, tmp_path: Path, argument: str, failing: str, says: str
) -> None:
    run = _run(deployment, _components(tmp_path), argument, expect=1)
    assert run["state"] == "FAILED"
    tasks = _tasks(run)
    assert tasks[failing]["state"] == "FAILED"
    assert says in tasks[failing]["error"]["message"]
    assert tasks["predict"]["state"] == "SKIPPED"
    assert tasks["delete-cluster"]["state"] == "SUCCEEDED"
    assert (tmp_path / "p").exists()
    assert not (tmp_path / "p" / "xgb-1").exists()


def test_the_committed_package_is_what_its_source_compiles_to(tmp_path: Path) -> None:
    copy = tmp_path / "xgboost_training_v2.py"
    copy.write_text((EXAMPLE / "xgboost_training_v2.py").read_text())
    subprocess.run([str(KFP_PYTHON), "-W", "ignore", str(copy)], check=True, timeout=300)
    compiled = tmp_path / "xgboost_training_v2.yaml"
    assert yaml.safe_load(compiled.read_text()) == yaml.safe_load(PACKAGE.read_text())


def _shown(deployment: Deployment, run: Any) -> dict[tuple[str, str], Visualization]:
    """The visualizations of a run, by task and type."""
    with Client(deployment.url, deployment.json("token")["token"]) as client:
        shown = client.visualizations(run["run_id"])
    assert not shown.truncated
    return {(one.path.rpartition("/")[2], one.type): one for one in shown}


def _check_evaluation(shown: dict[tuple[str, str], Visualization], roc: str) -> None:
    """Check the confusion matrix and the ROC curve; both versions of KFP give the same."""
    matrix = shown["confusion-matrix", "confusion_matrix"]
    assert matrix["labels"] == ["ACTION", "NONE"]
    assert matrix["totals"] == [64, 107]
    assert matrix["counts"][0][0] + matrix["counts"][1][1] > 0.95 * 171
    curve = shown[roc, "roc"]
    (area,) = shown[roc, "scalars"].rows
    assert curve["auc"] == pytest.approx(area["value"])
    assert (curve.rows[0]["tpr"], curve.rows[-1]["tpr"], curve.rows[-1]["fpr"]) == (0, 1, 1)


def _components(folder: Path) -> Path:
    package = folder / "components.yaml"
    done = subprocess.run(
        [str(KFP_PYTHON), "-W", "ignore", str(COMPONENTS), str(folder), str(package)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return package


def _run(deployment: Deployment, package: Path, *arguments: str, expect: int = 0) -> Any:
    given = [word for argument in arguments for word in ("-p", argument)]
    submit = ("run", "submit", str(package), "--wait", *given)
    done = deployment.command(*submit, "--json", seconds=600)  # it may have to install packages
    assert done.returncode == expect, (done.stdout, done.stderr)
    return yaml.safe_load(done.stdout)


def _workers(run_id: str) -> list[int]:
    """The process IDs of the two workers and the tracker of a run's training, in fork order; empty
    until all of them run."""
    marker = f"HEADRACE_LAUNCH_ID={run_id}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ = (entry / "environ").read_bytes()
            children = (entry / "task" / entry.name / "children").read_text().split()
        except OSError:
            continue
        if marker in environ and len(children) == 3:
            return list(map(int, children))
    return []


def _tasks(run: Any) -> dict[str, Any]:
    return {task["name"].rpartition("/")[2]: task for task in run["tasks"]}


def _metadata(task: Any, output: str) -> Any:
    (artifact,) = task["artifacts"][output]
    return artifact["metadata"]
