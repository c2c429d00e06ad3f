"""What the supervisor does before and beside looking after its children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace_local import groups, processes, supervisor
from headrace_local.data import Data
from headrace_local.health.disk import Space
from headrace_local.supervisor import Supervisor

from tests.support.waiting import until

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def data(tmp_path: Path) -> Data:
    made = Data(tmp_path)
    made.run.mkdir()
    made.logs.mkdir()
    return made


@pytest.fixture
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_leftovers_of_a_crash_are_ended_and_nothing_else(
    sleeping: subprocess.Popen[bytes],
) -> None:
    left = subprocess.Popen(SLEEP)
    entries = {
        "api": {"pid": left.pid, "pid_started": processes.start_time(left.pid)},
        "s3": {"pid": sleeping.pid, "pid_started": 1},  # the number now belongs to another
        "nats": {"pid": None, "pid_started": None},
    }
    supervisor._end_leftovers({"processes": entries})
    assert left.wait(60) == -signal.SIGKILL
    assert sleeping.poll() is None


def test_a_state_without_processes_has_no_leftovers() -> None:
    supervisor._end_leftovers({})


def test_a_second_supervisor_exits(
    data: Data, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LOCK_SECONDS", 0.0)
    held = data.lock()
    assert held is not None
    with held:
        assert Supervisor(data).run() == 3
    assert "another supervisor uses this data folder" in capsys.readouterr().err


def test_a_command_that_looks_at_the_lock_does_not_keep_a_supervisor_from_it(data: Data) -> None:
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, sys; from headrace_local.data import Data\n"
            "while True: Data(pathlib.Path(sys.argv[1])).is_locked()",
            str(data.path),
        ]
    )
    try:
        for _ in range(20):
            lock = supervisor._wait_for_lock(data)
            assert lock is not None
            lock.close()
    finally:
        looking.kill()
        looking.wait()


def test_the_supervisor_of_a_deleted_folder_does_not_start(
    data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Supervisor(data).run() == 1
    assert f"the data folder {data.path} is gone" in capsys.readouterr().err


def test_what_it_says_is_lost_on_a_full_disk_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(supervisor.sys, "stderr", full)
        supervisor.say("lost")
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space left"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["sh", "-c", "exec -a x sleep 600 # {} --serve"], False),
        (["python", "/site/headrace_launcher", "--serve"], True),
        (["python", "/site/other", "--serve"], False),
        (["sleep"], False),
        ([], False),
    ],
)
def test_launchers_are_told_by_their_command_line(
    argv: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor.processes, "command_line", lambda _: argv)
    assert supervisor._is_of_launcher(1) is expected


@pytest.mark.parametrize(
    ("free", "files", "free_files", "full"),
    [
        (1 << 30, 1000, 1000, False),
        (15 << 20, 1000, 1000, True),
        (16 << 20, 1000, 1000, False),
        (1 << 30, 1000, 3, True),
        (1 << 30, 0, 0, False),  # a file system without a fixed number of files
    ],
)
def test_when_a_disk_is_full(
    free: int, files: int, free_files: int, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.statvfs_result((1, 1, 1 << 40, free, free, files, free_files, free_files, 0, 255))
    monkeypatch.setattr("headrace_local.health.disk.os.statvfs", lambda _: found)
    space = Space(Path("/data"))
    assert not space.look()
    assert space.is_full is full
    assert space.problem().startswith("disk full: ") is full


def test_a_disk_has_space_again(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Space(Path("/"))
    space.is_full = True
    assert space.look()
    assert not space.look()


def test_a_process_is_in_the_group_whatever_it_does(tmp_path: Path) -> None:
    """It leaves its session and its parent, and cleans its environment."""
    source = (
        "import os, subprocess, sys; from pathlib import Path; from headrace_local import groups\n"
        "group = groups.join(Path(sys.argv[1]), None)\n"
        "if group is None: sys.exit(9)\n"
        "subprocess.run(['sh', '-c', 'env -i setsid sleep 600 >/dev/null 2>&1 &'])\n"
        "print(group, flush=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)], capture_output=True, text=True, check=False
    )
    if done.returncode == 9:
        pytest.skip("this user may not create a control group here")
    group = Path(done.stdout.strip())
    (left,) = until(lambda: groups.members(group))
    assert processes.command_line(left) == ["sleep", "600"]
    assert processes.of_deployment(tmp_path, group) == {left}
    processes.kill(left, signal.SIGKILL)
    until(lambda: not groups.members(group))
    deadline = time.monotonic() + 60
    while group.exists() and time.monotonic() < deadline:
        groups.remove(group)
    assert not group.exists()


def test_without_a_group_there_are_no_members() -> None:
    assert groups.members(None) == []
    groups.remove(None)
