"""Runs submitted by the command line, the real KFP client and messages on the bus."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from tests.support.deployment import ROOT, Deployment
from tests.support.graphs import loop_pipeline, shell_pipeline
from tests.support.waiting import HANG_SECONDS, until

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
EXAMPLE = ROOT / "examples" / "training" / "pipeline.yaml"
WRITE = ("sh", "-c", 'printf "%s" "$1" > "$0"', "{{$.outputs.parameters['value'].output_file}}")

pytestmark = pytest.mark.e2e


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A diamond of shell steps."""
    graph = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    path = tmp_path / "diamond.yaml"
    spec = shell_pipeline(graph, command=(*WRITE, "done"), outputs=["d"])
    path.write_text(yaml.safe_dump(spec))
    return path


def test_the_command_line_waits_and_prints_one_object(
    deployment: Deployment, package: Path
) -> None:
    run = deployment.json("run", "submit", str(package), "--wait")
    assert run["state"] == "SUCCEEDED"
    assert run["outputs"] == {"d": "done"}
    assert {task["name"]: task["state"] for task in run["tasks"]} == dict.fromkeys(
        "abcd", "SUCCEEDED"
    )
    assert run["tasks"][0]["outputs"] == {"value": "done"}
    assert deployment.json("run", "get", run["run_id"])["state"] == "SUCCEEDED"
    listed = deployment.json("run", "list")["runs"]
    assert run["run_id"] in [one["run_id"] for one in listed]


def test_a_failing_step_fails_the_run_with_the_end_of_its_log(
    deployment: Deployment, tmp_path: Path
) -> None:
    spec = shell_pipeline({"a": [], "b": ["a"]}, command=("sh", "-c", "echo oh no; exit 3"))
    (tmp_path / "fail.yaml").write_text(yaml.safe_dump(spec))
    run = deployment.json("run", "submit", str(tmp_path / "fail.yaml"), "--wait", expect=1)
    assert run["state"] == "FAILED"
    first, second = run["tasks"]
    assert first["error"]["code"] == "COMMAND_FAILED"
    assert "code 3" in first["error"]["message"]
    assert "oh no" in first["error"]["message"]
    assert second["state"] == "SKIPPED"
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    assert logs["a"].strip() == "oh no"


def test_each_iteration_of_a_loop_has_its_log(deployment: Deployment, tmp_path: Path) -> None:
    said = ("sh", "-c", 'echo "here"; echo x > "$0"', WRITE[-1])
    (tmp_path / "loop.yaml").write_text(yaml.safe_dump(loop_pipeline(2, 1, command=said)))
    run = deployment.json("run", "submit", str(tmp_path / "loop.yaml"), "--wait")
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    assert [text.strip() for text in logs.values()] == ["here", "here"]
    assert deployment.json("run", "logs", run["run_id"], "each")["logs"] == logs
    one = next(iter(logs))
    assert deployment.json("run", "logs", run["run_id"], one)["logs"] == {one: logs[one]}


def test_an_idempotency_key_makes_repeats_one_run(deployment: Deployment, package: Path) -> None:
    key = uuid.uuid4().hex
    arguments = ("run", "submit", str(package), "--idempotency-key", key)
    first, second = deployment.json(*arguments), deployment.json(*arguments)
    assert first["run_id"] == second["run_id"]
    other = deployment.json(*arguments, "--name", "another", expect=1)
    assert other["error"]["code"] == "CONFLICT"


def test_canceling_ends_all_descendant_processes(deployment: Deployment, tmp_path: Path) -> None:
    marker = f"sleep {100_000 + uuid.uuid4().int % 100_000}"
    command = ("sh", "-c", f"setsid sh -c '{marker} & wait' & {marker}")
    spec = shell_pipeline({"a": []}, command=command)
    (tmp_path / "sleep.yaml").write_text(yaml.safe_dump(spec))
    run_id = deployment.json("run", "submit", str(tmp_path / "sleep.yaml"))["run_id"]
    until(lambda: sum(marker in line for line in deployment.processes()) >= 2)
    deployment.command("run", "cancel", run_id)
    until(lambda: deployment.json("run", "get", run_id)["state"] == "CANCELED")
    assert not [line for line in deployment.processes() if marker in line]


def test_the_kfp_client_submits_the_example(deployment: Deployment) -> None:
    script = ROOT / "examples" / "training" / "submit.py"
    done = subprocess.run(
        [str(KFP_PYTHON), "-W", "ignore", str(script), deployment.url],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["state"] == "SUCCEEDED"
    assert set(found["tasks"].values()) == {"SUCCEEDED"}
    assert len(found["tasks"]) == 8
    run = deployment.json("run", "get", found["run_id"])
    assert run["outputs"]["accuracy"] > 0.9
    assert run["outputs"]["best_model"] in ("shallow", "deep")
    types = {
        artifact["type"]["schemaTitle"]
        for task in run["tasks"]
        for made in task["artifacts"].values()
        for artifact in made
        if artifact["metadata"]
    }
    assert {"system.Metrics", "system.ClassificationMetrics", "system.Model"} <= types


def test_the_committed_example_is_current(tmp_path: Path) -> None:
    source = ROOT / "examples" / "training" / "pipeline.py"
    copy = tmp_path / "pipeline.py"
    copy.write_text(source.read_text())
    subprocess.run([str(KFP_PYTHON), "-W", "ignore", str(copy)], check=True, timeout=300)
    assert yaml.safe_load((tmp_path / "pipeline.yaml").read_text()) == yaml.safe_load(
        EXAMPLE.read_text()
    )


async def test_a_program_submits_a_run_by_message(deployment: Deployment) -> None:
    accepted = await _submit(
        deployment, {"package": yaml.safe_dump(shell_pipeline({"a": []}, command=(*WRITE, "x")))}
    )
    assert accepted["type"] == "submission.accepted"
    until(lambda: deployment.json("run", "get", accepted["run_id"])["state"] == "SUCCEEDED")


async def test_the_example_program_submits_a_run(deployment: Deployment, package: Path) -> None:
    script = ROOT / "examples" / "submit_by_event.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), deployment.nats_url, str(package), stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert json.loads(said)["type"] == "submission.accepted"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"this is not JSON", "MALFORMED", "JSON"),
        (b'{"pipeline": {"name": "nobody"}}', "NOT_FOUND", "nobody"),
        (b"{}", "MALFORMED", "exactly one"),
        (b'{"surprise": 1}', "MALFORMED", "surprise"),
    ],
)
async def test_a_malformed_submission_message_is_rejected(
    deployment: Deployment, body: bytes, code: str, says: str
) -> None:
    answer = await _submit(deployment, body)
    assert answer["type"] == "submission.rejected"
    assert answer["rejection"]["code"] == code
    assert says in answer["rejection"]["message"]


async def test_malformed_messages_become_dead_letters_and_block_nothing(
    deployment: Deployment, package: Path
) -> None:
    bus = await nats.connect(deployment.operator_nats_url)
    run = uuid.uuid4()
    set_aside = await bus.subscribe("dlq.>")
    subjects = (
        f"evt.run.p00.{run}.submitted",
        f"evt.run.p00.{run}.cancel_requested",
        f"evt.attempt.p00.{run}.succeeded",
        f"evt.attempt.p00.{run}.failed",
        f"evt.task.p00.{run}.ready",
        f"cmd.attempt.local.p00.{run}.launch",
        f"cmd.attempt.local.p00.{run}.cancel",
    )
    for subject in subjects:
        await bus.jetstream().publish(subject, b"{not json", headers={"ce-id": uuid.uuid4().hex})
    copies = [await set_aside.next_msg(HANG_SECONDS) for _ in range(7 + 4)]
    reasons = {(copy.subject, copy.headers["headrace-subject"]) for copy in copies}
    assert {service for service, _ in reasons} == {
        "dlq.scheduler",
        "dlq.recorder",
        "dlq.executor",
    }
    assert all(copy.data == b"{not json" and copy.headers["headrace-reason"] for copy in copies)
    await bus.close()
    assert deployment.json("run", "submit", str(package), "--wait")["state"] == "SUCCEEDED"


async def _submit(deployment: Deployment, body: dict[str, Any] | bytes) -> Any:
    bus = await nats.connect(deployment.nats_url)
    try:
        request = uuid.uuid4().hex
        answers = await bus.subscribe(f"evt.submission.{request}.*")
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"ce-specversion": "1.0", "ce-id": request, "ce-type": "run.submit"}
        await bus.jetstream().publish("cmd.run.submit", content, headers=headers)
        return json.loads((await answers.next_msg(HANG_SECONDS)).data)
    finally:
        await bus.close()
