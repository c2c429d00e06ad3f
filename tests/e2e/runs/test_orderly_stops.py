"""Orderly stops of the deployment: steps are stopped, and run again at no cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deployment import Deployment, running
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def own() -> Iterator[Deployment]:
    """A deployment for one test."""
    with running({"HEADRACE_EXECUTOR_GRACE_SECONDS": "2"}) as made:
        yield made


def submit(own: Deployment, folder: Path, *names: str, code: str) -> str:
    """Submit steps that run this code, with the folder as ``$1`` and the step's name as ``$2``;
    returns the run's id."""
    spec = shell_pipeline({name: [] for name in names}, command=("true",))
    for name in names:
        executor = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        output = "{{$.outputs.parameters['value'].output_file}}"
        executor["command"] = ["sh", "-c", code, output, str(folder), name]
    package = folder / "steps.yaml"
    package.write_text(yaml.safe_dump(spec))
    return str(own.json("run", "submit", str(package))["run_id"])


def starts(folder: Path, name: str) -> int:
    """How often a step has started."""
    path = folder / f"{name}.starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def ended(own: Deployment, run_id: str) -> Any:
    def found() -> Any:
        run = own.json("run", "get", run_id, expect=None)
        return run if run.get("state") in ("SUCCEEDED", "FAILED", "CANCELED") else None

    return until(found, pause=0.3)


def test_four_orderly_restarts_during_one_step_cost_nothing(
    own: Deployment, tmp_path: Path
) -> None:
    """One step ends by SIGTERM, the other one ignores it and is killed after the grace."""
    code = (
        'echo "$KFP_RETRY_INDEX" >> "$1/$2.starts"; [ "$2" = deaf ] && trap "" TERM;'
        ' until [ -e "$1/go" ]; do sleep 0.1; done; printf done > "$0"'
    )
    tmp_path.chmod(0o755)
    run_id = submit(own, tmp_path, "deaf", "polite", code=code)
    for stop in range(1, 5):
        until(lambda: starts(tmp_path, "deaf") == starts(tmp_path, "polite") == stop)  # noqa: B023
        own.down()
        assert own.processes() == []
        assert own.up()["state"] == "ready"
    (tmp_path / "go").touch()
    run = ended(own, run_id)
    assert run["state"] == "SUCCEEDED", run
    assert {task["outputs"]["value"] for task in run["tasks"]} == {"done"}
    for name in ("deaf", "polite"):
        assert (tmp_path / f"{name}.starts").read_text().split() == ["0"] * 5, "no retry is used up"
    folders = own.data / "steps"
    until(lambda: [path.name for path in folders.iterdir()] == [".owner"])


def test_a_step_that_finishes_within_the_grace_keeps_its_result(
    own: Deployment, tmp_path: Path
) -> None:
    code = (
        'echo start >> "$1/$2.starts"; trap "sleep 0.5; printf done > $0; exit 0" TERM;'
        " while true; do sleep 0.1; done"
    )
    run_id = submit(own, tmp_path, "quick", code=code)
    until(lambda: starts(tmp_path, "quick") == 1)
    own.down()
    own.up()
    run = ended(own, run_id)
    assert run["state"] == "SUCCEEDED", run
    assert run["tasks"][0]["outputs"] == {"value": "done"}
    assert starts(tmp_path, "quick") == 1, "it did not run again"
