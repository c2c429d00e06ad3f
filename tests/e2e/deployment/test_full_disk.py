"""A full disk: the deployment says so, stays up, and goes on when there is space again."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.deployment.canary import Canary, look, pid_of
from tests.support.deployment import Deployment
from tests.support.local.disk import fill, small_disk
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def full_disk() -> Iterator[Deployment]:
    """A deployment on a small disk of its own."""
    made = Deployment()
    with small_disk(made.data, 600):
        try:
            yield made
        finally:
            (made.data / "filling").unlink(missing_ok=True)
            made.remove()


def test_a_disk_that_was_full_for_a_moment(full_disk: Deployment) -> None:
    """NATS keeps the error of a failed write: it is restarted, without a word from the user."""
    full_disk.up()
    canary = Canary(full_disk)
    canary.succeeds()
    filling = fill(full_disk.data)
    begun = canary.begin()  # its messages cannot be stored
    until(lambda: look(full_disk).state == "disk full")
    filling.unlink()
    until(lambda: look(full_disk).state == "ready")
    canary.succeeds()
    if begun is not None:
        canary.ends(begun)


def test_a_disk_that_stays_full(full_disk: Deployment) -> None:
    full_disk.up()
    canary = Canary(full_disk)
    filling = fill(full_disk.data)
    supervisor = full_disk.supervisor()
    until(lambda: look(full_disk).state == "disk full")
    status = full_disk.json("status", expect=1)
    assert status["problems"][0].startswith("disk full: ")
    before = pid_of(full_disk, "nats")
    full_disk.kill("api")  # what has to be restarted is restarted, and the state says so
    full_disk.kill("nats")
    until(lambda: pid_of(full_disk, "nats") != before)
    refused = full_disk.json("up", expect=1)
    assert refused["error"]["code"] == "DISK_FULL"
    assert full_disk.supervisor() == supervisor
    filling.unlink()
    assert full_disk.up()["state"] == "ready"
    assert full_disk.supervisor() == supervisor
    canary.succeeds()


def test_up_and_down_on_a_full_disk(full_disk: Deployment) -> None:
    full_disk.up()
    canary = Canary(full_disk)
    canary.succeeds()
    filling = fill(full_disk.data)
    assert full_disk.json("down")["state"] == "stopped"
    assert full_disk.processes() == []
    refused = full_disk.json("up", expect=1)
    assert refused["error"]["code"] == "DISK_FULL"
    assert "free some space" in refused["error"]["message"]
    filling.unlink()
    full_disk.up()
    canary.succeeds()


def test_a_killed_supervisor_on_a_full_disk(full_disk: Deployment) -> None:
    full_disk.up()
    filling = fill(full_disk.data)
    full_disk.signal_supervisor(signal.SIGKILL)
    until(lambda: look(full_disk).state == "crashed")
    filling.unlink()
    full_disk.up()
    Canary(full_disk).succeeds()
