"""Pipelines of KFP version 1 on a deployment: a small one, and the sample of KFP's
documentation."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from headrace import compiler, components, dsl, gcp

from tests.support.deployment import ROOT, Deployment

SAMPLE = ROOT / "examples" / "xgboost_training_cm"

pytestmark = pytest.mark.e2e

flip_op = components.load_component_from_text("""
name: Flip a coin
inputs: [{name: Sides, type: JsonArray}]
outputs: [{name: Side}, {name: Score, type: Float}]
implementation:
  container:
    image: python:3.11
    command:
    - python3
    - -c
    - |
      import json, sys
      open(sys.argv[2], "w").write(json.loads(sys.argv[1])[0] + "\\n")
      open("/tmp/score.txt", "w").write("0.75")
    args: [{inputValue: Sides}, {outputPath: Side}]
    fileOutputs: {Score: /tmp/score.txt}
""")
words_op = components.load_component_from_text("""
name: Words
inputs: [{name: Text}, {name: Where, type: GCSPath}]
outputs: [{name: Words}]
implementation:
  container:
    image: alpine
    command: [sh, -ec, 'tr a-z A-Z < "$0" > "$2"; echo " at $1" >> "$2"']
    args: [{inputPath: Text}, {inputValue: Where}, {outputPath: Words}]
""")


def shell(name: str, script: str, **more: Any) -> Any:
    return dsl.ContainerOp(name, "alpine", ["sh", "-ec", script], **more)


@dsl.pipeline(name="Small One", description="What version 1 could do.")
def small(text="some words", folder="/tmp/%s" % dsl.RUN_ID_PLACEHOLDER, code=0):  # type: ignore[no-untyped-def]  # noqa: UP031
    with dsl.ExitHandler(exit_op=shell("bye", 'echo "bye $0"', arguments=[folder])):
        flip = flip_op(["heads", "tails"])
        first = words_op(text, f"{folder}/a").after(flip)
        second = words_op(first.output, "%s/b" % folder)  # noqa: UP031
        metrics = '{"metrics": [{"name": "score", "numberValue": 0.5}]}'
        shell("show", f"echo '{metrics}' > /mlpipeline-metrics.json").set_display_name("Shown")
        with dsl.Condition(flip.outputs["Side"] == "heads"):
            shell("taken", 'cat "$0"', arguments=[dsl.InputArgumentPath(second.output)])
            with dsl.Condition(flip.outputs["score"] > 0.5, name="high"):
                shell("high", 'echo "<$0>"', arguments=[f"{flip.outputs['side']} {folder}"])
        with dsl.Condition(flip.outputs["Side"] == "tails"):
            shell("not-taken", "true")
        with dsl.ParallelFor(["x", "y"]) as item:
            shell("loop", f'echo "{item} of $0"', arguments=[text])
        shell("end", 'exit "$0"', arguments=[code]).set_retry(1)
    dsl.get_pipeline_conf().add_op_transformer(gcp.use_gcp_secret("user-gcp-sa"))


def test_a_pipeline_with_all_features(deployment: Deployment, tmp_path: Path) -> None:
    run = _run(deployment, _compiled(small, tmp_path))
    assert run["state"] == "SUCCEEDED"
    tasks = _tasks(run)
    assert tasks["flip-a-coin"]["outputs"] == {"side": "heads", "score": 0.75}
    assert "not-taken" not in tasks
    assert list(tasks["show"]["artifacts"]) == ["mlpipeline_metrics"]
    assert tasks["loop"]["artifacts"] == {}
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    folder = f"/tmp/{run['run_id']}"
    assert _log(logs, "taken") == f"SOME WORDS AT {folder.upper()}/A\n at {folder}/b\n"
    assert _log(logs, "high") == f"<heads {folder}>\n"
    assert f"bye {folder}" in _log(logs, "bye")


def test_the_exit_op_runs_after_a_failure(deployment: Deployment, tmp_path: Path) -> None:
    run = _run(deployment, _compiled(small, tmp_path), "code=3", expect=1)
    assert run["state"] == "FAILED"
    tasks = _tasks(run)
    assert (tasks["end"]["state"], tasks["bye"]["state"]) == ("FAILED", "SUCCEEDED")


def test_the_sample_runs(deployment: Deployment, tmp_path: Path) -> None:
    run = _run(deployment, _sample(tmp_path), f"output={tmp_path}/o", f"region={tmp_path}/r")
    assert run["state"] == "SUCCEEDED"
    tasks = _tasks(run)
    assert {task["state"] for task in tasks.values()} == {"SUCCEEDED"}
    for name in ("confusion-matrix", "roc-curve"):
        assert sorted(tasks[name]["artifacts"]) == ["mlpipeline_metrics", "mlpipeline_ui_metadata"]
    matrix = tmp_path / "o" / run["run_id"] / "data" / "confusion_matrix.csv"
    assert sum(int(line.split(",")[2]) for line in matrix.read_text().split()) == 171
    assert list(tmp_path.glob("r/*/xgb-*")) == []


def test_the_sample_removes_its_cluster_when_it_fails(
    deployment: Deployment, tmp_path: Path
) -> None:
    run = _run(deployment, _sample(tmp_path), "rounds=0", f"region={tmp_path}/r", expect=1)
    tasks = _tasks(run)
    assert (tasks["train"]["state"], tasks["delete-cluster"]["state"]) == ("FAILED", "SUCCEEDED")
    assert list(tmp_path.glob("r/*/xgb-*")) == []


def _sample(folder: Path) -> Path:
    """The compiled package of the example."""
    copy = folder / "sample"
    shutil.copytree(SAMPLE, copy)
    source = (copy / "xgboost_training_cm.py").read_text()
    names: dict[str, Any] = {"__file__": str(copy / "xgboost_training_cm.py"), "__name__": "sample"}
    exec(compile(source, names["__file__"], "exec"), names)
    return _compiled(names["xgb_train_pipeline"], folder)


def _compiled(pipeline: Any, folder: Path) -> Path:
    package = folder / "package.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    return package


def _run(deployment: Deployment, package: Path, *arguments: str, expect: int = 0) -> Any:
    given = [word for argument in arguments for word in ("-p", argument)]
    submit = ("run", "submit", str(package), "--wait", *given)
    done = deployment.command(*submit, "--json", seconds=600)  # it may have to install packages
    assert done.returncode == expect, (done.stdout, done.stderr)
    return yaml.safe_load(done.stdout)


def _tasks(run: Any) -> dict[str, Any]:
    return {task["name"].rpartition("/")[2]: task for task in run["tasks"]}


def _log(logs: dict[str, str], task: str) -> str:
    return "\n".join(text for name, text in logs.items() if name.split("/")[-1] == task)


@pytest.mark.parametrize("is_there", [True, False])
def test_google_credentials_are_mounted_when_they_exist(
    deployment: Deployment, tmp_path: Path, is_there: bool
) -> None:
    secret = deployment.data / "secrets" / "default" / "user-gcp-sa"
    if is_there:
        secret.mkdir(parents=True)
        (secret / "user-gcp-sa.json").write_text("the credentials")

    @dsl.pipeline(name="credentials")
    def pipeline(text="a"):  # type: ignore[no-untyped-def]
        script = 'cat "${GOOGLE_APPLICATION_CREDENTIALS:-/dev/null}"; echo ".$0"'
        shell("show", script, arguments=[text]).apply(gcp.use_gcp_secret())

    try:
        run = _run(deployment, _compiled(pipeline, tmp_path), f"text={is_there}")
        logs = deployment.json("run", "logs", run["run_id"])["logs"]
        assert _log(logs, "show").startswith("the credentials." if is_there else ".")
    finally:
        shutil.rmtree(deployment.data / "secrets", ignore_errors=True)
