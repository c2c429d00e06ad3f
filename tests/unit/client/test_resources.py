"""Resources have the fields of the HTTP API, and attributes for the common ones."""

from __future__ import annotations

import pytest
from headrace.client import ClientError, Run

from tests.unit.client.gateway import run_body, task_body


def test_a_run_is_a_mapping_of_its_fields() -> None:
    run = Run(run_body("FAILED", error={"message": "boom"}), "http://x")
    assert dict(run)["run_id"] == run.run_id == "r1"
    assert run.link == "http://x/runs/r1"
    with pytest.raises(ClientError, match="boom"):
        run.check()
    with pytest.raises(KeyError, match="has no task 'x'"):
        run.task("x")


def test_a_task_has_its_artifacts_by_output_name() -> None:
    several = [{"artifact_id": "one"}, {"artifact_id": "two"}]
    outputs = {"parameters": {}, "artifacts": {"models": several, "table": []}}
    task = Run(run_body(tasks=[task_body("train", outputs=outputs)])).task("train")
    assert task.artifact("models").artifact_id == "one"
    with pytest.raises(KeyError, match="task train has no artifact 'table'; it has: models"):
        task.artifact("table")
