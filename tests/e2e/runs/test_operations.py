"""Operations on runs that are active or ended: retry, rerun, pause, limits, archive, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.deployment import Deployment
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

WRITE = ("sh", "-c", 'printf "%s" "$1" > "$0"', "{{$.outputs.parameters['value'].output_file}}")


def written(tmp_path: Path, spec: dict[str, Any]) -> str:
    path = tmp_path / f"{spec['pipelineInfo']['name']}.yaml"
    path.write_text(yaml.safe_dump(spec))
    return str(path)


def needing_file(path: Path, name: str, **more: Any) -> dict[str, Any]:
    """A chain of three steps; the second fails until there is a file at `path`."""
    spec = shell_pipeline({"a": [], "b": ["a"], "c": ["b"]}, name=name, command=(*WRITE, "done"))
    executor = spec["deploymentSpec"]["executors"]["exec-b"]["container"]
    executor["command"] = ["sh", "-c", f'test -e {path} && printf ok > "$0"', WRITE[3]]
    for task in spec["root"]["dag"]["tasks"].values():
        task.update(more)
    return spec


def hold_until(gate: Path, spec: dict[str, Any], task: str) -> None:
    """Let a task of `spec` end only after there is a file at `gate`."""
    container = spec["deploymentSpec"]["executors"][f"exec-{task}"]["container"]
    script = f'until [ -e {gate} ]; do sleep 0.1; done; printf x > "$0"'
    container["command"] = ["sh", "-c", script, WRITE[3]]


def by_name(run: dict[str, Any], key: str) -> dict[str, Any]:
    return {task["name"]: task[key] for task in run["tasks"]}


def get(deployment: Deployment, path: str, **params: Any) -> Any:
    response = httpx.get(
        f"{deployment.url}/api/v1{path}", params=params, timeout=300, trust_env=False
    )
    assert response.status_code == 200, response.text
    return response.json()


def test_a_retry_keeps_tasks_that_succeeded(deployment: Deployment, tmp_path: Path) -> None:
    package = written(tmp_path, needing_file(tmp_path / "there", "retried"))
    run_id = deployment.json("run", "submit", package, "--wait", expect=1)["run_id"]
    (tmp_path / "there").touch()
    deployment.json("run", "retry", run_id)
    run = until(lambda: ended(deployment, run_id, "SUCCEEDED"))
    assert by_name(run, "attempt") == {"a": 1, "b": 2, "c": 1}
    assert by_name(run, "state") == dict.fromkeys("abc", "SUCCEEDED")
    again = deployment.json("run", "retry", run_id, expect=1)
    assert again["error"]["code"] == "CONFLICT"


def ended(deployment: Deployment, run_id: str, state: str) -> Any:
    run = deployment.json("run", "get", run_id)
    return run if run["state"] == state else None


def test_a_rerun_reuses_tasks_before_the_first_that_runs(
    deployment: Deployment, tmp_path: Path
) -> None:
    spec = shell_pipeline({"a": [], "b": ["a"], "c": ["b"]}, name="rerun", command=(*WRITE, "x"))
    first = deployment.json("run", "submit", written(tmp_path, spec), "--wait")
    preview = get(deployment, f"/runs/{first['run_id']}/rerun-preview", task=["root/b"])
    assert [one["path"] for one in preview["reuse"]] == ["root/a"]
    assert [one["path"] for one in preview["run"]] == ["root/b", "root/c"]
    made = deployment.json("run", "rerun", first["run_id"], "--from", "root/b")
    run = until(lambda: ended(deployment, made["run_id"], "SUCCEEDED"))
    found = get(deployment, f"/runs/{run['run_id']}")
    assert found["rerun_of"] == first["run_id"]
    origins = {task["name"]: task.get("origin") for task in found["tasks"]}
    assert origins["a"]["run_id"] == first["run_id"]
    assert origins["a"]["kind"] == "rerun"
    assert (origins["b"], origins["c"]) == (None, None)


def test_a_cache_miss_is_explained(deployment: Deployment, tmp_path: Path) -> None:
    spec = shell_pipeline({"a": []}, name="explained", command=(*WRITE, "x"))
    spec["root"]["dag"]["tasks"]["a"]["cachingOptions"] = {"enableCache": True}
    first = deployment.json("run", "submit", written(tmp_path, spec), "--wait")
    spec["deploymentSpec"]["executors"]["exec-a"]["container"]["image"] = "another"
    second = deployment.json("run", "submit", written(tmp_path, spec), "--wait")
    third = deployment.json("run", "submit", written(tmp_path, spec), "--wait")
    found = [
        get(deployment, f"/runs/{run['run_id']}/tasks/{run['tasks'][0]['task_id']}/cache")
        for run in (first, second, third)
    ]
    assert [one["hit"] for one in found] == [False, False, True]
    assert [entry["part"] for entry in found[1]["differs"]] == ["image"]
    assert found[1]["closest"]["run_id"] == first["run_id"]
    assert found[2]["origin"]["run_id"] == second["run_id"]


def test_a_paused_run_starts_no_task_until_it_is_resumed(
    deployment: Deployment, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    spec = shell_pipeline({"a": [], "b": ["a"]}, name="paused", command=(*WRITE, "x"))
    hold_until(gate, spec, "a")
    run_id = deployment.json("run", "submit", written(tmp_path, spec))["run_id"]
    deployment.json("run", "pause", run_id)
    until(lambda: ended(deployment, run_id, "PAUSED"))
    gate.touch()
    until(lambda: by_name(deployment.json("run", "get", run_id), "state")["a"] == "SUCCEEDED")
    assert by_name(deployment.json("run", "get", run_id), "state")["b"] == "PENDING"
    deployment.json("run", "resume", run_id)
    until(lambda: ended(deployment, run_id, "SUCCEEDED"))


def test_runs_wait_for_the_limit_of_their_pipeline(deployment: Deployment, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    spec = shell_pipeline({"a": []}, name="limited")
    hold_until(gate, spec, "a")
    files = {"uploadfile": ("limited.yaml", yaml.safe_dump(spec))}
    base = f"{deployment.url}/apis/v2beta1/pipelines/upload"
    pipeline = httpx.post(
        base, params={"name": "limited"}, files=files, timeout=300, trust_env=False
    ).json()
    changed = httpx.patch(
        f"{deployment.url}/api/v1/pipelines/{pipeline['pipeline_id']}",
        json={"max_active_runs": 1},
        timeout=300,
        trust_env=False,
    )
    assert changed.status_code == 200, changed.text
    runs = [
        httpx.post(
            f"{deployment.url}/api/v1/runs",
            json={"pipeline": {"name": "limited"}, "priority": priority},
            timeout=300,
            trust_env=False,
        ).json()["run_id"]
        for priority in (0, 0, 5)
    ]
    gate.touch()
    found = until(lambda: all_ended(deployment, runs))
    started = [one["started_at"] for one in found]
    assert started[0] < started[2] < started[1], "the run with the higher priority starts first"
    finished = [one["finished_at"] for one in found]
    assert finished[0] <= started[2]
    assert finished[2] <= started[1]


def all_ended(deployment: Deployment, runs: list[str]) -> Any:
    found = [deployment.json("run", "get", run_id) for run_id in runs]
    return found if all(one["state"] == "SUCCEEDED" for one in found) else None


def test_a_deadline_fails_the_run_and_its_exit_task_still_runs(
    deployment: Deployment, tmp_path: Path
) -> None:
    spec = shell_pipeline({"exit-handler-1": [], "clean": []}, name="late", command=(*WRITE, "x"))
    executor = spec["deploymentSpec"]["executors"]["exec-exit-handler-1"]["container"]
    executor["command"] = ["sh", "-c", "sleep 60"]
    clean = spec["root"]["dag"]["tasks"]["clean"]
    clean["dependentTasks"] = ["exit-handler-1"]
    clean["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    package = written(tmp_path, spec)
    run = deployment.json("run", "submit", package, "--wait", "--deadline", "1", expect=1)
    assert run["error"]["code"] == "DEADLINE_EXCEEDED"
    assert by_name(run, "state") == {"exit-handler-1": "CANCELED", "clean": "SUCCEEDED"}


def test_a_run_is_archived_unarchived_and_deleted(deployment: Deployment, tmp_path: Path) -> None:
    spec = shell_pipeline({"a": []}, name="gone", command=(*WRITE, "x"))
    run_id = deployment.json("run", "submit", written(tmp_path, spec), "--wait")["run_id"]
    deployment.json("run", "archive", run_id)
    until(lambda: get(deployment, f"/runs/{run_id}")["archived"])
    deployment.json("run", "unarchive", run_id)
    until(lambda: not get(deployment, f"/runs/{run_id}")["archived"])
    deployment.json("run", "delete", run_id)
    until(lambda: deployment.json("run", "get", run_id, expect=None).get("error"))
    error = deployment.json("run", "get", run_id, expect=1)["error"]
    assert error["code"] == "NOT_FOUND"


def test_deleting_an_active_run_stops_its_steps(deployment: Deployment, tmp_path: Path) -> None:
    spec = shell_pipeline({"a": []}, name="stopped", command=("sh", "-c", "sleep 12321"))
    run_id = deployment.json("run", "submit", written(tmp_path, spec))["run_id"]
    until(lambda: [line for line in deployment.processes() if "sleep 12321" in line])
    deployment.json("run", "delete", run_id)
    until(lambda: not [line for line in deployment.processes() if "sleep 12321" in line])


def test_a_recurring_run_submits_on_its_schedule(deployment: Deployment, tmp_path: Path) -> None:
    spec = shell_pipeline({"a": []}, name="ticking", command=(*WRITE, "x"))
    made = deployment.json("recurring", "create", "tick", written(tmp_path, spec), "--every", "1")
    identity = made["recurring_run_id"]
    try:
        runs = until(lambda: two_of(deployment, identity))
        assert {run["state"] for run in runs} == {"SUCCEEDED"}
        assert len({run["scheduled_at"] for run in runs}) == len(runs)
    finally:
        deployment.json("recurring", "delete", identity)


def two_of(deployment: Deployment, identity: str) -> Any:
    runs = get(deployment, "/runs", recurring_run_id=identity)["runs"]
    ended_ones = [run for run in runs if run["state"] == "SUCCEEDED"]
    return ended_ones if len(ended_ones) >= 2 else None
