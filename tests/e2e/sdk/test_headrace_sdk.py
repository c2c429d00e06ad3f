"""Logs and error messages of steps, compiled by kfp and by Headrace. `tests/mutual` compares their
results.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.deployment import Deployment

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def packages(compiled: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One pipeline, compiled by kfp and by Headrace."""
    folder = tmp_path_factory.mktemp("packages")
    made = []
    for sdk in ("kfp", "headrace"):
        module = compiled[sdk] / "tests.differential.pipelines.executing.json"
        package = json.loads(module.read_text())["compiled"]["everything"]
        made.append(folder / f"{sdk}.json")
        made[-1].write_text(json.dumps(package["ir"]))
    return made


def test_a_log_has_what_the_function_prints_and_logs(
    deployment: Deployment, packages: list[Path]
) -> None:
    run = deployment.json("run", "submit", str(packages[1]), "--no-cache", "--wait")
    assert {task["name"]: task["outputs"] for task in run["tasks"]}["total"] == {"Output": 6}
    logs = deployment.json("run", "logs", run["run_id"])["logs"]
    prepared = next(text for name, text in logs.items() if name.endswith("prepare"))
    first, second = prepared.splitlines()
    assert first == "prepared 3"
    assert second.startswith("[Headrace 2")
    assert second.endswith(" INFO]: logged")


def test_an_error_message_starts_with_the_exception(
    deployment: Deployment, packages: list[Path]
) -> None:
    messages = []
    for package in packages:
        run = deployment.json("run", "submit", str(package), "-p", "reason=now", "--wait", expect=1)
        failed = next(task for task in run["tasks"] if task["name"] == "fail-as-asked")
        messages.append(failed["error"]["message"])
    for message in messages:
        assert message.startswith("ValueError: as asked: now; the command exited with code 1")
        assert "last words" in message
