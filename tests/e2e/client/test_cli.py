"""The command line on a deployment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client.packages import FAIL_ONCE, SLEEP, STEPS, TALK
from tests.support.deployment import HEADRACE, ROOT, Deployment
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    for name, text in (("steps", STEPS), ("sleep", SLEEP), ("talk", TALK), ("fail", FAIL_ONCE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def submitted(deployment: Deployment, package: Path, *options: str) -> dict[str, Any]:
    return dict(deployment.json("run", "submit", str(package), "--wait", *options, expect=None))


def test_a_run_and_its_artifacts(deployment: Deployment, packages: Path) -> None:
    first = submitted(deployment, packages / "steps.yaml", "-p", "rows=3")
    second = submitted(deployment, packages / "steps.yaml", "-p", "rows=5")
    assert (first["state"], second["state"]) == ("SUCCEEDED", "SUCCEEDED")
    compared = deployment.json("run", "compare", first["run_id"], second["run_id"])
    differing = {row["name"]: row["values"] for row in compared["rows"] if row["differs"]}
    assert differing == {"rows": [3, 5], "rows_made": [3.0, 5.0]}
    text = deployment.command("run", "compare", first["run_id"], second["run_id"]).stdout
    assert "parameter rows" in text
    assert "output word" not in text
    made = deployment.json("run", "artifacts", first["run_id"])["artifacts"]
    listed = deployment.json("artifact", "list", "--run", first["run_id"])["artifacts"]
    assert {one["output"] for one in made} == {"table", "folder", "metrics"}
    assert listed == made
    ids = {one["output"]: one["artifact_id"] for one in made}
    found = deployment.json("artifact", "download", ids["table"], str(packages))
    assert Path(found["path"]) == packages / "table"
    assert (packages / "table").read_text() == "x,y\n0,0\n1,1\n2,4\n"
    deployment.json("artifact", "download", ids["folder"], str(packages / "tree"))
    assert (packages / "tree" / "sub" / "b.txt").read_text() == "b\n"
    assert deployment.json("artifact", "get", ids["table"])["run_id"] == first["run_id"]
    lineage = deployment.command("artifact", "lineage", ids["table"]).stdout
    assert "made by  make (table)" in lineage
    assert "used by  use (table)" in lineage


def test_logs_are_followed(deployment: Deployment, packages: Path) -> None:
    run = deployment.json("run", "submit", str(packages / "talk.yaml"), "--no-cache")
    done = deployment.command("run", "logs", run["run_id"], "talk", "--follow")
    assert done.stdout == "".join(f"line {at}\n" for at in range(1, 7)), done.stderr
    whole = deployment.command("run", "logs", run["run_id"], "-f", "--json")
    lines = [json.loads(line) for line in whole.stdout.splitlines()]
    assert lines[0] == {"path": "talk", "line": "line 1"}
    assert len(lines) == 6
    unknown = deployment.json("run", "logs", run["run_id"], "nope", "-f", expect=1)
    assert unknown["error"]["code"] == "NOT_FOUND"


def test_reused_steps_have_the_log_of_the_earlier_execution(
    deployment: Deployment, packages: Path
) -> None:
    cached = packages / "cached.yaml"
    text = TALK.replace("{name: talk}}", "{name: talk}, cachingOptions: {enableCache: true}}")
    cached.write_text(text.replace("sleep 1; done", f"done # {uuid.uuid4()}"))
    earlier, later = (deployment.json("run", "submit", str(cached), "--wait") for _ in range(2))
    assert [run["tasks"][0]["attempt"] for run in (earlier, later)] == [1, 0]
    for options in ((), ("talk",), ("talk", "--follow")):
        shown = deployment.command("run", "logs", later["run_id"], *options)
        assert shown.stdout == "".join(f"line {at}\n" for at in range(1, 7)), shown.stderr
    deployment.json("run", "delete", earlier["run_id"])
    until(lambda: deployment.json("run", "logs", later["run_id"])["logs"] == {})
    assert deployment.command("run", "logs", later["run_id"], "--follow").returncode == 0


def test_pipelines(deployment: Deployment, packages: Path) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    upload = ("pipeline", "upload", str(packages / "steps.yaml"), "--name", name)
    made = deployment.json(*upload, "--description", "by a test", "--tag", "of=cli")
    assert deployment.json(*upload, expect=1)["error"]["code"] == "CONFLICT"
    second = ("pipeline", "upload", str(packages / "sleep.yaml"), "--version-of", name)
    deployment.json(*second, "--name", "two")
    versions = deployment.json("pipeline", "versions", name)["pipeline_versions"]
    assert [one["name"] for one in versions] == ["two", name]
    assert deployment.json("pipeline", "get", name) == made
    got = deployment.command("pipeline", "get", name, "--version", "two").stdout
    assert "client-sleep" in got
    listed = deployment.json("pipeline", "list")["pipelines"]
    assert made["pipeline_id"] in {one["pipeline_id"] for one in listed}
    deployment.json("pipeline", "delete", name, "--version", "two")
    assert deployment.json("pipeline", "delete", name, expect=1)["error"]["code"] == "CONFLICT"
    deployment.json("pipeline", "delete", name, "--cascade")
    assert deployment.json("pipeline", "get", name, expect=1)["error"]["code"] == "NOT_FOUND"


def test_experiments(deployment: Deployment) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    made = deployment.json("experiment", "create", name, "--description", "by a test")
    assert deployment.json("experiment", "get", name) == made
    deployment.json("experiment", "archive", name)
    assert deployment.json("experiment", "get", made["experiment_id"])["archived"]
    deployment.json("experiment", "unarchive", name)
    listed = deployment.json("experiment", "list", "-n", "200")["experiments"]
    assert name in {one["display_name"] for one in listed}
    deployment.json("experiment", "delete", name)
    assert deployment.json("experiment", "get", name, expect=1)["error"]["code"] == "NOT_FOUND"


def test_cancel_and_retry(deployment: Deployment, packages: Path) -> None:
    run = deployment.json("run", "submit", str(packages / "sleep.yaml"))
    deployment.json("run", "cancel", run["run_id"])
    mark = packages / "mark"
    failed = submitted(deployment, packages / "fail.yaml", "-p", f"mark={mark}")
    assert failed["state"] == "FAILED"
    assert deployment.json("run", "retry", failed["run_id"])["requested"] == "retry"


def test_completion_of_runs_and_pipelines(deployment: Deployment, packages: Path) -> None:
    run = deployment.json("run", "submit", str(packages / "talk.yaml"))
    words = f"headrace --data {deployment.data} run get "
    done = subprocess.run(
        [str(HEADRACE)],
        env={
            **os.environ,
            "COMP_WORDS": words,
            "COMP_CWORD": "5",
            "_HEADRACE_COMPLETE": "bash_complete",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert f"plain,{run['run_id']}" in done.stdout.splitlines()


KFP = ROOT / ".kfp" / "bin" / "python"
AUTHORED = """
from kfp import dsl


@dsl.component(base_image="python:3.11")
def double(number: int) -> int:
    return 2 * number


@dsl.pipeline(name="double")
def doubled(number: int = 21) -> int:
    return double(number=number).output
"""


def test_a_pipeline_file_that_imports_kfp(deployment: Deployment, tmp_path: Path) -> None:
    """In an environment with kfp, kfp's compiler compiles a file that imports kfp."""
    source = tmp_path / "double.py"
    source.write_text(AUTHORED)
    paths = [*map(str, ROOT.glob("*/*/src")), *_site_packages()]
    code = (
        f"import sys; sys.path.extend({paths!r})\n"
        "from headrace.cli.python_files import compile_file; from pathlib import Path\n"
        f"print(compile_file(Path({str(source)!r})))"
    )
    done = subprocess.run(
        [str(KFP), "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "double.yaml").write_text(done.stdout)
    assert submitted(deployment, tmp_path / "double.yaml")["outputs"] == {"Output": 42}


def _site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def test_the_starter_project_runs(deployment: Deployment, tmp_path: Path) -> None:
    pytest.importorskip("headrace.dsl")
    deployment.json("init", str(tmp_path / "new"))
    source = tmp_path / "new" / "pipeline.py"
    assert deployment.json("lint", str(source), "--strict")["findings"] == []
    ended = submitted(deployment, source, "-p", "rows=50")
    assert ended["state"] == "SUCCEEDED", ended["error"]
    assert ended["outputs"]["Output"] < 0.2
    package = deployment.json("compile", str(source))["package"]
    assert Path(package) == tmp_path / "new" / "pipeline.yaml"
