"""Postgres without space for a while: nothing is lost, no service ends, and all goes on by itself
when there is space again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
import yaml
from headrace_contracts.messages.subjects import DEAD_LETTERS
from headrace_local.data import Data

from tests.support.deployment import SERVICES, Deployment
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

_FULL_SECONDS = 30.0
"""Longer than eight failed deliveries of a message take."""
_RUNS = 6


class SmallDisk:
    """A file system in memory, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self._filler = path / "filler"

    def fill(self) -> None:
        """Take all the space that is left."""
        block = b"\0" * 65536
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(block)
            except OSError:
                return

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of this size at `path` until the end. The test is skipped where this is
    not possible."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a file system of its own has to be mounted")
    path.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0711"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "headrace-test", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)


@pytest.fixture
def disk_and_deployment() -> Iterator[tuple[SmallDisk, Deployment]]:
    """A deployment whose Postgres has a disk of its own."""
    deployment = Deployment()
    Data(deployment.data).prepare()
    try:
        with small_disk(deployment.data / "postgres", 192) as disk:
            deployment.up()
            yield disk, deployment
            deployment.down()
    finally:
        deployment.remove()


def test_all_goes_on_when_postgres_has_space_again(
    disk_and_deployment: tuple[SmallDisk, Deployment], tmp_path: Path
) -> None:
    disk, deployment = disk_and_deployment
    package = tmp_path / "chain.yaml"
    package.write_text(yaml.safe_dump(chain(8)))
    deployment.json("run", "submit", str(package), "--wait")
    recurring = every_two_seconds(deployment, package)
    services = {name: deployment.pid(name) for name in SERVICES}
    accepted = [submit(deployment, package) for _ in range(_RUNS)]
    disk.fill()
    full_until = time.monotonic() + _FULL_SECONDS
    answers = []
    while time.monotonic() < full_until:
        answers += [try_to_submit(deployment, package), *reads(deployment, accepted[0])]
        disk.fill()  # Postgres may have given back a little
        time.sleep(0.3)
    disk.free()
    accepted += [answer.json()["run_id"] for answer in answers if answer.status_code == 201]
    ended = [run_when_shown_as_ended(deployment, run_id) for run_id in accepted]

    assert {run["state"] for run in ended} == {"SUCCEEDED"}
    assert {task["state"] for run in ended for task in run["tasks"]} == {"SUCCEEDED"}
    assert asyncio.run(dead_letters(deployment)) == 0
    assert {name: deployment.pid(name) for name in SERVICES} == services, "none was restarted"
    assert_no_slot_is_missing(deployment, recurring)
    refused = [answer for answer in answers if answer.status_code >= 400]
    assert {answer.status_code for answer in refused} <= {503, 507}
    assert all("retry-after" in one.headers for one in refused if one.status_code == 503)
    assert any(answer.status_code in (503, 507) for answer in answers), "the disk was not full"


def chain(length: int) -> dict[str, Any]:
    """Steps that follow each other, each with an output."""
    names = [f"t{i:02d}" for i in range(length)]
    graph = {name: names[i - 1 : i] for i, name in enumerate(names)}
    command = (
        "sh",
        "-c",
        'sleep 0.3; printf done > "$0"',
        "{{$.outputs.parameters['value'].output_file}}",
    )
    return shell_pipeline(graph, command=command, outputs=[names[-1]])


def submit(deployment: Deployment, package: Path) -> str:
    answer = try_to_submit(deployment, package)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


def try_to_submit(deployment: Deployment, package: Path) -> httpx.Response:
    spec = {"pipeline_spec": yaml.safe_load(package.read_text()), "caching": False}
    return httpx.post(f"{deployment.url}/api/v1/runs", json=spec, timeout=120, trust_env=False)


def every_two_seconds(deployment: Deployment, package: Path) -> str:
    """A recurring run, which makes up for slots that are missed."""
    definition = {
        "pipeline_spec": yaml.safe_load(package.read_text()),
        "display_name": "often",
        "trigger": {"interval_seconds": 2},
        "catch_up": True,
        "max_concurrency": 10,
        "caching": False,
    }
    url = f"{deployment.url}/api/v1/recurring-runs"
    answer = httpx.post(url, json=definition, timeout=120, trust_env=False)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["recurring_run_id"])


def slots_of(deployment: Deployment, recurring: str) -> list[datetime]:
    """The slots that became runs."""
    answer = httpx.get(
        f"{deployment.url}/api/v1/runs",
        params={"recurring_run_id": recurring, "page_size": 100},
        timeout=120,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return sorted(datetime.fromisoformat(run["scheduled_at"]) for run in answer.json()["runs"])


def assert_no_slot_is_missing(deployment: Deployment, recurring: str) -> None:
    """Wait until the slots of the full disk are made up for."""

    def made_up() -> list[datetime] | None:
        slots = slots_of(deployment, recurring)
        return slots if slots[-1] - slots[0] > timedelta(seconds=_FULL_SECONDS) else None

    slots = until(made_up, pause=0.3)
    assert all(later - earlier == timedelta(seconds=2) for earlier, later in pairwise(slots))


def reads(deployment: Deployment, run_id: str) -> list[httpx.Response]:
    return [
        httpx.get(f"{deployment.url}{path}", timeout=120, trust_env=False)
        for path in ("/api/v1/runs", f"/api/v1/runs/{run_id}", "/apis/v2beta1/runs")
    ]


def run_when_shown_as_ended(deployment: Deployment, run_id: str) -> Any:
    def ended() -> Any:
        answer = httpx.get(f"{deployment.url}/api/v1/runs/{run_id}", timeout=120, trust_env=False)
        run = answer.json()
        return run if run.get("state") in ("SUCCEEDED", "FAILED", "CANCELED") else None

    return until(ended, pause=0.3)


async def dead_letters(deployment: Deployment) -> int:
    client = await nats.connect(deployment.operator_nats_url, inbox_prefix="_INBOX.operator")
    try:
        return (await client.jetstream().stream_info(DEAD_LETTERS)).state.messages
    finally:
        await client.close()
