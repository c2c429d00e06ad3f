"""The bus loses its state, in part or as a whole, while messages wait in it: every run ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import pytest
import yaml
from headrace_contracts.messages.subjects import COMMANDS, EVENTS
from nats.js import JetStreamContext

from tests.support.deployment import Deployment, running
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

Loss = Callable[[Deployment, Path], None]
RUNS = 3


@pytest.fixture(scope="module")
def own() -> Iterator[Deployment]:
    """A deployment for this file: it breaks the bus of all tests."""
    with running() as made:
        yield made


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A pipeline of two steps."""
    path = tmp_path / "chain.yaml"
    write = ("sh", "-c", 'printf ok > "$0"', "{{$.outputs.parameters['value'].output_file}}")
    spec = shell_pipeline({"first": [], "second": ["first"]}, command=write)
    path.write_text(yaml.safe_dump(spec))
    return path


def state(deployment: Deployment) -> Path:
    """The folder in which the bus keeps its streams."""
    return deployment.data / "nats" / "js"


def folder_deleted(deployment: Deployment, _: Path) -> None:
    state(deployment).rename(state(deployment).with_name("lost"))  # before the server restarts
    deployment.kill("nats")
    shutil.rmtree(state(deployment).with_name("lost"))


def folder_deleted_between_down_and_up(deployment: Deployment, _: Path) -> None:
    deployment.down()
    shutil.rmtree(state(deployment))
    deployment.up()


def folder_restored_from_a_backup(deployment: Deployment, backup: Path) -> None:
    deployment.down()
    shutil.rmtree(state(deployment))
    shutil.copytree(backup, state(deployment))
    deployment.up()


def streams_deleted(deployment: Deployment, _: Path) -> None:
    async def delete(js: JetStreamContext) -> None:
        for stream in (EVENTS, COMMANDS):
            await js.delete_stream(stream)

    asyncio.run(_as_operator(deployment, delete))


def consumers_deleted(deployment: Deployment, _: Path) -> None:
    async def delete(js: JetStreamContext) -> None:
        await js.delete_consumer(EVENTS, "scheduler-events")
        await js.delete_consumer(COMMANDS, "executor-local")

    asyncio.run(_as_operator(deployment, delete))


async def _as_operator(deployment: Deployment, act: Callable[[JetStreamContext], object]) -> None:
    bus = await nats.connect(deployment.operator_nats_url)
    try:
        await act(bus.jetstream())  # type: ignore[misc]
    finally:
        await bus.close()


@contextmanager
def without(deployment: Deployment, service: str) -> Iterator[None]:
    """A service reads no messages: its process is stopped, and killed at the end, with what the
    bus has sent to it meanwhile."""
    pid = deployment.pid(service)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if deployment.pid(service) == pid:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("loss", "reader"),
    [
        (folder_deleted, "scheduler"),
        (folder_deleted, "recorder"),
        (folder_deleted_between_down_and_up, "executor"),
        (folder_restored_from_a_backup, "scheduler"),
        (streams_deleted, "executor"),
        (consumers_deleted, "scheduler"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_accepted_run_ends(
    own: Deployment, package: Path, tmp_path: Path, loss: Loss, reader: str
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(state(own), backup, ignore=shutil.ignore_patterns("*.tmp"))
    with without(own, reader):
        submit = ("run", "submit", str(package), "--no-cache")
        runs = [own.json(*submit)["run_id"] for _ in range(RUNS)]
        loss(own, backup)

    def ended() -> bool:
        states = [own.json("run", "get", run, expect=None).get("state") for run in runs]
        return states == ["SUCCEEDED"] * RUNS

    until(ended, pause=0.5)
    for run in runs:
        assert {task["attempt"] for task in own.json("run", "get", run)["tasks"]} == {1}
