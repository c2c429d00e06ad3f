"""Executor, fork server and launcher are killed within a step's start, at any moment of it: one
copy of the step lives at a time, its folder stays, and one end is accepted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_runtime.bus.connection import Bus

from tests.integration.executor.test_processes import free_port
from tests.support.executors import ExecutorProcess, View, send, until
from tests.support.launches import launch_command
from tests.support.servers import Servers

DELAYS = (0.0, 0.02, 0.05, 0.1, None)
"""From the command to the kill; None: when the step has started. A start takes some 20 ms, and
several times that on a busy machine."""
ENDS = ("attempt.succeeded", "attempt.failed")
STEP = """
cd {folder}
for other in alive.*; do
    [ -e "$other" ] || continue
    grep -q . /proc/${{other#alive.}}/cmdline 2>/dev/null && echo "$$ beside $other" >> doubles
done
touch alive.$$
echo $HEADRACE_LAUNCH_ID >> starts
sleep 0.5
[ -e "$HOME/../launch.json" ] || echo "no folder: $HOME" >> doubles
rm alive.$$
"""


@pytest.fixture
async def executor(
    servers: Servers, bus: Bus, view: View, tmp_path: Path
) -> AsyncIterator[ExecutorProcess]:
    """An executor that runs."""
    servers.start("s3")
    made = ExecutorProcess(servers, tmp_path / "one", free_port())
    made.start(600)
    await until(lambda: _is(made.has_started))
    yield made
    made.remove()


def step(folder: Path) -> LaunchAttempt:
    """A step that notes whether another copy of it lives."""
    folder.mkdir()
    container = {"image": "i", "command": ["sh", "-c", STEP.format(folder=folder)]}
    return launch_command(run_id=uuid4(), task_id=uuid4(), container=container)


@pytest.mark.parametrize(
    "victims",
    [
        ("executor",),
        ("executor", "server"),
        ("executor", "launchers"),
        ("executor", "server", "launchers"),
        ("server", "launchers"),
        ("server",),
        ("launchers",),
    ],
    ids="-".join,
)
async def test_one_copy_lives_and_one_end_counts(
    executor: ExecutorProcess,
    bus: Bus,
    view: View,
    tmp_path: Path,
    victims: tuple[str, ...],
) -> None:
    for delay in DELAYS:
        folder = tmp_path / f"step-{delay}"
        command = step(folder)
        await send(bus, command)
        if delay is None:
            await until(lambda folder=folder: _is((folder / "starts").exists))  # type: ignore[misc]
        else:
            await asyncio.sleep(delay)
        kill(executor, victims)
        await check(executor, view, command, folder)


def kill(executor: ExecutorProcess, victims: tuple[str, ...]) -> None:
    """Kill these processes at one time; the executor is started again, as a supervisor does."""
    servers, launchers = forked(executor.folder)
    if "executor" in victims:
        executor.signal(signal.SIGKILL)
    for name, found in (("server", servers), ("launchers", launchers)):
        for pid in found if name in victims else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if "executor" in victims:
        executor.start(600)


async def check(
    executor: ExecutorProcess, view: View, command: LaunchAttempt, folder: Path
) -> None:
    """Wait for the end of a step, and check it."""

    async def over() -> Any:
        rows = await view.fetch("SELECT * FROM launch WHERE run_id = $1", command.run_id)
        is_over = rows and rows[0]["state"] == "ENDED" and not executor.attempt_folders()
        return rows[0] if is_over else None

    row = await until(over, 120)
    rows = await view.fetch("SELECT body FROM outbox ORDER BY id")
    bodies = [json.loads(row["body"]) for row in rows]
    ends = [
        (body["type"], body["execution"])
        for body in bodies
        if body["run_id"] == str(command.run_id) and body["type"] in ENDS
    ]
    result = json.loads(row["result"])
    assert ends == [(result["type"], row["execution"])]
    starts = (folder / "starts").read_text().split() if (folder / "starts").exists() else []
    assert len(set(starts)) == len(starts), "no execution is started twice"
    if result["type"] == "attempt.succeeded":
        assert starts[-1].endswith(f"-{row['execution']}")
    else:
        assert result["retryable"], result
    assert not (folder / "doubles").exists(), (folder / "doubles").read_text()


def forked(data: Path) -> tuple[list[int], list[int]]:
    """The fork servers and the launchers of a deployment; a server's parent is none of them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            mark = f"HEADRACE_DATA_DIR={data}".encode()
            if line.endswith(b"--serve\0") and mark in (entry / "environ").read_bytes():
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(stat[1])
    launchers = [pid for pid, parent in parents.items() if parent in parents]
    return [pid for pid in parents if pid not in launchers], launchers


async def _is(holds: Any) -> Any:
    return holds()
