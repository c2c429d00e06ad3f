"""Runs survive when processes of the deployment are killed, and a restart cleans up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.deployment import ROOT, SERVICES, Deployment, running
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

EXAMPLE = ROOT / "examples" / "training" / "pipeline.yaml"


@pytest.fixture
def own() -> Iterator[Deployment]:
    """A deployment for one test."""
    with running() as made:
        yield made


def test_a_run_survives_when_each_process_is_killed(own: Deployment, tmp_path: Path) -> None:
    """Each service, NATS and Postgres are killed in turn during two runs: a chain that counts the
    starts of its steps, and the example."""
    counter = tmp_path / "started"
    command = (
        "sh",
        "-c",
        f'echo "$1" >> {counter}; sleep 0.7; printf "%s" "$1" > "$0"',
        "{{$.outputs.parameters['value'].output_file}}",
        "{{$.inputs.parameters}}",
    )
    names = [f"t{i:02d}" for i in range(14)]
    graph = {name: names[i - 1 : i] for i, name in enumerate(names)}
    spec = shell_pipeline(graph, command=command[:4], outputs=[names[-1]])
    for name in names:
        container = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        container["command"] = [*command[:4], name]
    package = tmp_path / "chain.yaml"
    package.write_text(yaml.safe_dump(spec))
    own.json("run", "submit", str(EXAMPLE), "--wait")  # so its packages are installed
    run_id = own.json("run", "submit", str(package))["run_id"]
    example = own.json("run", "submit", str(EXAMPLE), "--no-cache")["run_id"]
    for victim in (*SERVICES, "nats", "postgres"):
        time.sleep(0.8)
        own.kill(victim)
    run = _ended(own, run_id)
    assert run["state"] == "SUCCEEDED", run
    assert run["outputs"] == {names[-1]: names[-1]}
    assert [task["outputs"] for task in run["tasks"]] == [{"value": name} for name in names]
    events = _history(own, run_id)
    succeeded = [e["body"]["name"] for e in events if e["type"] == "task.succeeded"]
    assert sorted(succeeded) == names, "each step's outputs come from exactly one attempt"
    started = counter.read_text().split()
    assert sorted(started) == names, "no step was started a second time"
    trained = _ended(own, example)
    assert trained["state"] == "SUCCEEDED", trained
    assert trained["outputs"]["accuracy"] > 0.9
    ended = [e["body"] for e in _history(own, example) if e["type"] == "task.succeeded"]
    assert len(ended) == len({body["task_id"] for body in ended}) == 8
    assert {task["attempt"] for task in trained["tasks"]} == {1}


def _ended(deployment: Deployment, run_id: str) -> Any:
    """The ended run; requests before may fail."""

    def ended() -> Any:
        run = deployment.json("run", "get", run_id, expect=None)
        return run if run.get("state") in ("SUCCEEDED", "FAILED", "CANCELED") else None

    return until(ended, pause=0.5)


def test_a_run_survives_a_killed_supervisor_and_down_leaves_no_process(
    own: Deployment, tmp_path: Path
) -> None:
    spec = shell_pipeline({"a": []}, command=("sh", "-c", "sleep 4; true"))
    executor = spec["deploymentSpec"]["executors"]["exec-a"]["container"]
    executor["command"] = [
        "sh",
        "-c",
        'sleep 4; printf ok > "$0"',
        "{{$.outputs.parameters['value'].output_file}}",
    ]
    package = tmp_path / "slow.yaml"
    package.write_text(yaml.safe_dump(spec))
    run_id = own.json("run", "submit", str(package))["run_id"]
    time.sleep(1)
    supervisor = [pid for pid in _supervisors(own)]
    for pid in supervisor:
        os.kill(pid, signal.SIGKILL)
    assert own.up()["state"] == "ready"
    until(lambda: own.json("run", "get", run_id)["state"] == "SUCCEEDED")
    assert own.json("run", "get", run_id)["tasks"][0]["attempt"] == 1
    own.json("run", "submit", str(package))
    time.sleep(1)
    own.down()
    assert own.processes() == []
    assert own.json("status", expect=1)["state"] == "stopped"


def _supervisors(deployment: Deployment) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if "headrace_local.supervisor" in line and str(deployment.data) in line:
                found.append(int(entry.name))
    return found


def _history(deployment: Deployment, run_id: str) -> list[dict[str, object]]:
    response = httpx.get(
        f"{deployment.url}/api/v1/runs/{run_id}/events",
        params={"limit": 1000},
        timeout=300,
        trust_env=False,
    )
    return list(response.json()["events"])
