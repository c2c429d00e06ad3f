"""The client while the gateway is killed: each operation completes, exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace.client import Client, Patience

from tests.e2e.client.packages import STEPS, TALK
from tests.support.deployment import Deployment, running
from tests.support.waiting import HANG_SECONDS

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """A deployment for this module only."""
    with running() as made:
        yield made


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    token = deployment.json("token")["token"]
    # The supervisor waits longer before each restart of a process that fails repeatedly.
    with Client(deployment.url, token, patience=Patience(attempts=12)) as made:
        yield made


def test_following_a_log_continues(deployment: Deployment, client: Client) -> None:
    run = client.submit(TALK)
    now = next(now for now in client.watch(run) if now.tasks and now.tasks[0].state == "RUNNING")
    log = b""
    for chunk in client.follow_log(run, now.tasks[0].task_id):
        if not log:
            deployment.kill("ui_gateway")
        log += chunk
    assert log.decode().splitlines() == [f"line {at}" for at in range(1, 7)]


def test_waiting_for_a_run_continues(deployment: Deployment, client: Client) -> None:
    run = client.submit(TALK, caching=False)
    versions = []
    for now in client.watch(run, HANG_SECONDS):
        if now.state == "RUNNING" and not versions:
            deployment.kill("ui_gateway")
        versions.append(now["version"])
    assert now.succeeded
    assert versions == sorted(set(versions))


def test_requests_take_effect_once(deployment: Deployment, client: Client, tmp_path: Path) -> None:
    """Each request takes effect once, even when the gateway is killed meanwhile."""
    for _ in range(3):
        deployment.kill("ui_gateway")
        run = client.submit(STEPS, name="gateway is down", experiment="survival")
    experiment = client.experiment("survival")
    assert len(client.runs(None, experiment_id=experiment.experiment_id)) == 3
    ended = client.wait(run, HANG_SECONDS, show="none").check()
    table = next(one for one in client.artifacts(ended) if one["output"] == "table")
    deployment.kill("ui_gateway")
    assert client.download(table, tmp_path).read_text().startswith("x,y\n")
