"""A child with a small program: it is started, restarted with growing pauses, and stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headrace_local import child as module
from headrace_local import processes
from headrace_local.child import Child
from headrace_local.data import Data
from headrace_local.health.rules import HEALTHY, Observation, Verdict
from headrace_local.programs import Program

from tests.support.waiting import until

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True);"
    " time.sleep(600)",
)
NOW = 1000.0
Make = Callable[..., Child]


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    made = Data(tmp_path_factory.mktemp("data"))
    made.logs.mkdir()
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(data: Data, said: list[str]) -> Iterator[Make]:
    """Starts children; their processes end with the test."""
    made: list[Child] = []

    def start(*argv: str, **options: Any) -> Child:
        env = {"HEADRACE_DATA_DIR": str(data.path)}
        program = Program("api", argv or SLEEP, env, **options)
        made.append(Child(program, data.logs / "api.log", said.append))
        made[-1].start(NOW)
        return made[-1]

    yield start
    for one in made:
        if one.process is not None:
            one.process.kill()
            one.process.wait()


def end(child: Child, number: signal.Signals = signal.SIGKILL) -> None:
    assert child.process is not None
    child.process.send_signal(number)
    child.process.wait()


def test_a_program_is_started_with_its_log(make: Make) -> None:
    child = make(sys.executable, "-c", "print('hello')")
    assert child.process is not None
    assert child.process.wait(60) == 0
    assert child.log.read_text() == "hello\n"


def test_pauses_grow_while_a_program_keeps_ending(make: Make) -> None:
    child, now, pauses = make(), NOW, []
    for count in range(1, 11):
        end(child)
        assert child.collect_end(now)
        assert child.process is None
        assert child.count == count
        pauses.append(round(child.due - now, 3))
        now = child.due
        child.start(now)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


def test_a_crash_is_told_with_the_last_error_of_its_log(make: Make, said: list[str]) -> None:
    child = make(
        sys.executable, "-c", "print('one'); print('{\"error\": \"two\"}'); print('bye'); exit(3)"
    )
    until(lambda: child.collect_end(NOW + 1), pause=0.01)
    assert child.last_error == '{"error": "two"}'
    assert child.problem(NOW + 1) == (
        'api: restarted once in 1 s, next start in 0 s, last error: {"error": "two"}'
    )
    assert said == ["api exited: 3; started again in 0.2 s"]


def test_errors_of_earlier_processes_are_not_told(make: Make) -> None:
    child = make(sys.executable, "-c", "print('error: old'); exit(1)")
    until(lambda: child.collect_end(NOW), pause=0.01)
    child.program = Program("api", (sys.executable, "-c", "print('new'); exit(1)"), {})
    child.start(NOW)
    until(lambda: child.collect_end(NOW), pause=0.01)
    assert child.last_error == "new"


def test_a_process_that_was_ended_from_outside_is_no_crash(make: Make) -> None:
    child = make()
    end(child, signal.SIGTERM)
    child.collect_end(NOW)
    assert child.last_restart.startswith("it was ended by SIGTERM at ")
    assert child.restarts.crashes == ()


def test_a_program_that_cannot_be_started_is_tried_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    child = make()
    end(child)
    child.collect_end(NOW)

    def no_descriptor(*_: Any) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(module.processes, "start", no_descriptor)
    child.start(NOW)
    assert child.process is None
    assert child.due > NOW
    assert "cannot start it: [Errno 24] Too many open files" in child.problem(NOW)
    assert said[-1].startswith("api: cannot start it")


def test_an_unhealthy_process_is_asked_to_stop_and_killed_when_it_does_not(
    make: Make, said: list[str]
) -> None:
    child = make(*STUBBORN, stop_seconds=5)
    until(lambda: "up" in child.log.read_text(), pause=0.01)
    child.observe(HEALTHY, NOW + 1, excused=False)
    assert child.is_ready
    for second in (10, 15, 20):
        failing = Observation(Verdict.FAILING, "its store cannot be written")
        child.observe(failing, NOW + second, excused=False)
    assert not child.is_ready
    assert said[-1].startswith("api: restarted, its store cannot be written, since ")
    child.kill_if_late(NOW + 24)
    assert not child.collect_end(NOW + 24)
    child.kill_if_late(NOW + 25)
    until(lambda: child.collect_end(NOW + 26), pause=0.01)
    assert child.last_restart.startswith("its store cannot be written, since ")
    child.start(NOW + 27)
    assert not child.is_ready


def test_a_stopped_process_is_killed_at_once(make: Make) -> None:
    child = make()
    assert child.process is not None
    child.process.send_signal(signal.SIGSTOP)
    child.observe(HEALTHY, NOW + 1, excused=False)
    for second in (10, 15, 20):
        child.observe(Observation(Verdict.SILENT, "stopped"), NOW + second, excused=True)
    until(lambda: child.collect_end(NOW + 20), pause=0.01)


@pytest.mark.parametrize("owns", [True, False])
def test_descendants_that_are_a_part_of_it_are_killed_with_it(make: Make, owns: bool) -> None:
    source = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '600'], start_new_session=True);"
        " print(p.pid, flush=True); time.sleep(600)"
    )
    child = make(sys.executable, "-c", source, owns_descendants=owns)
    descendant = int(until(lambda: child.log.read_text().strip(), pause=0.01))
    started = processes.start_time(descendant)
    child.stop(NOW, at_once=True)
    until(lambda: child.collect_end(NOW), pause=0.01)
    if owns:
        until(lambda: processes.start_time(descendant) != started, pause=0.01)
    else:
        assert processes.start_time(descendant) == started
        processes.kill(descendant, signal.SIGKILL)


def test_a_large_log_is_rotated(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    child = make()
    end(child)
    child.collect_end(NOW)
    child.log.write_text("long")
    monkeypatch.setattr(module, "_LARGE_LOG_BYTES", 3)
    child.start(NOW)
    assert child.log.with_suffix(".log.1").read_text() == "long"
    assert child.log.read_text() == ""


def test_its_state(make: Make) -> None:
    child = make()
    assert child.process is not None
    assert child.state(port=1) == {
        "pid": child.process.pid,
        "pid_started": processes.start_time(child.process.pid),
        "ready": False,
        "restarts": 0,
        "port": 1,
        "last_restart": None,
        "last_error": None,
    }


def test_orphans_are_reaped_and_own_children_are_not() -> None:
    own = subprocess.Popen(["true"])
    other = subprocess.Popen(["true"])
    try:
        for process in (own, other):
            until(lambda one=process: processes.start_time(one.pid) is None, pause=0.01)  # type: ignore[misc]
        processes.reap_orphans({own.pid})
        assert own.wait() == 0
        time.sleep(0)
        processes.reap_orphans({own.pid})
        with pytest.raises(ChildProcessError):
            processes.os.waitpid(other.pid, 0)
    finally:
        other.returncode = 0  # it was reaped
