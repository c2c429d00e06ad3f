"""Recurring runs, by the command line and by KFP's client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.deployment import ROOT, Deployment
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
KFP_CLIENT = """
import json, sys
import kfp, kfp_server_api
client = kfp.Client(host=sys.argv[1])
experiment = client.create_experiment("clock").experiment_id
pipeline = client.upload_pipeline(sys.argv[2], pipeline_name="clocked").pipeline_id
version = client.list_pipeline_versions(pipeline).pipeline_versions[0].pipeline_version_id
made = client.create_recurring_run(
    experiment, "job", cron_expression="0 0 9 ? * 2-6", pipeline_id=pipeline, version_id=version,
    params={"day": "[[Index]]"}, no_catchup=True, max_concurrency=3)
other = client.create_recurring_run(
    experiment, "other", interval_second=3600, pipeline_package_path=sys.argv[2], enabled=False,
    start_time="2090-01-01T00:00:00Z")
listed = client.list_recurring_runs(experiment_id=experiment)
client.enable_recurring_run(other.recurring_run_id)
client.disable_recurring_run(made.recurring_run_id)
states = [client.get_recurring_run(r.recurring_run_id).status for r in (made, other)]
client.delete_recurring_run(made.recurring_run_id)
codes = []
for call in (
    lambda: client.get_recurring_run(made.recurring_run_id),
    lambda: client.create_recurring_run(experiment, "bad", cron_expression="0 0 99 * * *",
        pipeline_id=pipeline, version_id=version)):
    try:
        call()
    except kfp_server_api.ApiException as error:
        codes.append(error.status)
run = client.run_pipeline(experiment, "r", pipeline_id=pipeline, version_id=version).run_id
client.archive_run(run)
client.unarchive_run(run)
client.wait_for_run_completion(run, 60, 1)
try:
    client.runs.run_service_retry_run(run_id=run)
except kfp_server_api.ApiException as error:
    codes.append(error.status)
client.delete_run(run)
print(json.dumps({"total": listed.total_size, "names": [r.display_name for r in
    listed.recurring_runs], "concurrency": made.max_concurrency, "states": states,
    "codes": codes}))
"""

pytestmark = pytest.mark.e2e


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A pipeline with one step and one parameter."""
    write = ("sh", "-c", 'printf x > "$0"', "{{$.outputs.parameters['value'].output_file}}")
    spec = shell_pipeline({"a": []}, command=write)
    day = {"parameterType": "STRING", "defaultValue": "none"}
    spec["root"]["inputDefinitions"] = {"parameters": {"day": day}}
    path = tmp_path / "clocked.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def test_the_command_line_creates_edits_and_deletes(deployment: Deployment, package: Path) -> None:
    made = deployment.json(
        "recurring", "create", "every second", str(package), "--cron", "* * * * * *",
        "-p", "day=[[Index]]", "--priority", "3",
    )  # fmt: skip
    identity = made["recurring_run_id"]
    until(lambda: deployment.json("recurring", "get", identity)["fired"])
    edited = deployment.json(
        "recurring", "edit", identity, "--cron", "0 9 * * *", "--time-zone", "Asia/Tokyo"
    )
    assert edited["next_at"].endswith("T00:00:00Z")
    assert len(deployment.json("recurring", "next", identity, "-n", "3")["moments"]) == 3
    assert deployment.json("recurring", "disable", identity)["enabled"] is False
    listed = deployment.json("recurring", "list")["recurring_runs"]
    assert identity in [one["recurring_run_id"] for one in listed]
    run = deployment.json("recurring", "get", identity)["last_run_id"]
    assert deployment.json("run", "archive", run) == {"run_id": run, "requested": "archive"}
    again = deployment.json("run", "rerun", run, "--from", "root/a")
    assert again["run_id"] != run
    deployment.json("run", "delete", run)
    assert deployment.json("run", "delete", run, expect=1)["error"]["code"] == "NOT_FOUND"
    deployment.json("recurring", "delete", identity)
    gone = deployment.json("recurring", "get", identity, expect=1)
    assert gone["error"]["code"] == "NOT_FOUND"


def test_the_kfp_client_creates_lists_and_disables(deployment: Deployment, package: Path) -> None:
    done = subprocess.run(
        [str(KFP_PYTHON), "-W", "ignore", "-c", KFP_CLIENT, deployment.url, str(package)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == {
        "total": 2,
        "names": ["job", "other"],
        "concurrency": "3",
        "states": ["DISABLED", "ENABLED"],
        "codes": [404, 400, 409],
    }
