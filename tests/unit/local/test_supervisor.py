"""The supervisor with small programs: it starts them, restarts them with growing pauses, and stops
them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace_local import processes, supervisor
from headrace_local.data import PORTS, Data, write_json
from headrace_local.programs import Program
from headrace_local.supervisor import Child, Supervisor

Supervising = Callable[[Child], Supervisor]
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True);"
    " time.sleep(60)",
)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    made = Data(tmp_path)
    made.run.mkdir()
    made.logs.mkdir()
    return made


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(supervisor.time, "monotonic", made.monotonic)
    return made


def program(data: Data, *argv: str, **options: Any) -> Program:
    env = {"HEADRACE_DATA_DIR": str(data.path)}
    return Program("api", argv or SLEEP, env, **options)


@pytest.fixture
def supervising(data: Data) -> Iterator[Supervising]:
    """Creates supervisors with one child each; their processes end with the test."""
    made: list[Supervisor] = []

    def supervise(child: Child) -> Supervisor:
        made.append(Supervisor(data))
        made[-1]._ports = dict.fromkeys(PORTS, 1)
        made[-1]._start(child)
        return made[-1]

    yield supervise
    for child in (child for one in made for child in one._children.values()):
        if child.process is not None:
            end(child)


def end(child: Child) -> None:
    assert child.process is not None
    child.process.kill()
    child.process.wait()


def test_a_program_is_started_with_its_log(data: Data, supervising: Supervising) -> None:
    child = Child(program(data, sys.executable, "-c", "print('hello')"))
    supervising(child)
    assert child.process is not None
    assert child.process.wait(20) == 0
    assert (data.logs / "api.log").read_text() == "hello\n"


def test_pauses_grow_while_a_program_keeps_exiting(
    data: Data, supervising: Supervising, clock: Clock
) -> None:
    child = Child(program(data))
    watching = supervising(child)
    pauses = []
    for restarts in range(1, 9):
        end(child)
        watching._check(child)
        assert child.process is None
        pauses.append(round(child.due - clock.now, 3))
        clock.now = child.due - 0.01
        watching._check(child)
        assert child.process is None
        clock.now = child.due
        watching._check(child)
        assert child.process is not None
        assert child.restarts == restarts
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_program_that_was_stable_is_restarted_at_once(
    data: Data, supervising: Supervising, clock: Clock
) -> None:
    child = Child(program(data), backoff=5.0)
    watching = supervising(child)
    clock.now += 11
    end(child)
    watching._check(child)
    assert child.due - clock.now == pytest.approx(0.1)


def test_readiness_is_polled_until_the_program_is_ready(
    data: Data, supervising: Supervising, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = iter([False, True])
    requested: list[str] = []

    def respond(url: str) -> bool:
        requested.append(url)
        return next(responses)

    monkeypatch.setattr(supervisor, "_responds", respond)
    child = Child(program(data, ready_url="http://127.0.0.1:1/readyz"))
    watching = supervising(child)
    watching._check(child)
    watching._check(child)  # too soon for another request
    assert requested == ["http://127.0.0.1:1/readyz"]
    assert not watching._all_ready()
    clock.now += 0.06
    watching._check(child)
    assert watching._all_ready()
    clock.now += 60
    watching._check(child)  # a ready program is not polled
    assert len(requested) == 2
    end(child)
    watching._check(child)
    assert not watching._all_ready()


def test_a_closed_port_does_not_respond() -> None:
    assert not supervisor._responds("http://127.0.0.1:1/readyz")


def test_the_state_is_written_when_it_changes(data: Data, supervising: Supervising) -> None:
    child = Child(program(data))
    watching = supervising(child)
    watching._write_state("starting")
    path = data.run / "state.json"
    first = json.loads(path.read_text())
    assert child.process is not None
    assert first["state"] == "starting"
    assert first["supervisor"] == os.getpid()
    assert first["processes"]["api"] == {
        "pid": child.process.pid,
        "pid_started": processes.start_time(child.process.pid),
        "ready": False,
        "restarts": 0,
        "port": 1,
    }
    path.unlink()
    watching._write_state("starting")
    assert not path.exists()
    watching._write_state("ready")
    assert json.loads(path.read_text())["state"] == "ready"


def test_leftovers_of_a_crash_are_ended_and_nothing_else(data: Data) -> None:
    left = subprocess.Popen(SLEEP)
    other = subprocess.Popen(SLEEP)
    try:
        entries = {
            "api": {"pid": left.pid, "pid_started": processes.start_time(left.pid)},
            "s3": {"pid": other.pid, "pid_started": 1},  # the number now belongs to another
            "nats": {"pid": None, "pid_started": None},
        }
        write_json(data.run / "state.json", {"processes": entries})
        Supervisor(data)._end_leftovers()
        assert left.wait(20) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


def test_an_unreadable_state_does_not_prevent_a_start(data: Data) -> None:
    (data.run / "state.json").write_text("{")
    Supervisor(data)._end_leftovers()


def test_a_program_that_ignores_the_stop_signal_is_killed_and_steps_end_too(
    data: Data, supervising: Supervising
) -> None:
    child = Child(program(data, *STUBBORN, stop_seconds=0.1))
    watching = supervising(child)
    log = data.logs / "api.log"
    while "up" not in log.read_text():
        time.sleep(0.01)
    step = subprocess.Popen(
        SLEEP,
        env={"HEADRACE_DATA_DIR": str(data.path), "HEADRACE_LAUNCH_ID": "1"},
        start_new_session=True,
    )
    while step.pid not in processes.of_deployment(data.path):
        time.sleep(0.01)
    watching._shut_down()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL
    assert step.wait(20) == -signal.SIGKILL
    state = json.loads((data.run / "state.json").read_text())
    assert state == {"state": "stopped", "failure": None}


def test_a_failure_names_the_programs_that_are_not_ready_with_log_lines(data: Data) -> None:
    (data.logs / "s3.log").write_text("one\ntwo\n")
    assert Supervisor(data)._not_ready(["s3", "api"]) == (
        "s3, api did not become ready; s3 last log lines: one | two"
    )


def test_a_large_log_is_rotated(
    data: Data, supervising: Supervising, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LARGE_LOG_BYTES", 3)
    (data.logs / "api.log").write_text("long")
    child = Child(program(data))
    supervising(child)
    assert (data.logs / "api.log.1").read_text() == "long"
    assert (data.logs / "api.log").read_text() == ""
    end(child)


def test_a_second_supervisor_exits(
    data: Data, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    held = data.lock()
    assert held is not None
    with held:
        assert Supervisor(data).run() == 3
    assert "another supervisor uses this data folder" in capsys.readouterr().err
