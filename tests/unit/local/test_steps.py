"""The orderly stop of steps: only launchers are asked, and it is marked before."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace_contracts.launches import STOP_MARK
from headrace_local import steps
from headrace_local.data import Data

READY = "import signal, time, sys; {} print('up', flush=True); time.sleep(600)"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def start(before: str = "", **env: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", READY.format(before)], env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_launchers_are_asked_and_awaited_and_steps_are_left_to_them(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    (tmp_path / "steps").mkdir()
    mark = tmp_path / "steps" / STOP_MARK
    tell = f"signal.signal(15, lambda *_: sys.exit(0 if open({str(mark)!r}) else 1));"
    launcher = start(tell, HEADRACE_DATA_DIR=str(tmp_path))
    step = start(HEADRACE_DATA_DIR=str(tmp_path), HEADRACE_LAUNCH_ID="1")
    started += [launcher, step]
    steps.stop(Data(tmp_path), [launcher.pid, step.pid, 2**22 + 1])
    assert launcher.wait(60) == 0, "the stop is marked before it is asked"
    assert step.poll() is None


def test_a_launcher_that_does_not_end_is_not_waited_for_beyond_the_grace(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_MARGIN_SECONDS", 0.05)
    monkeypatch.setenv("HEADRACE_EXECUTOR_GRACE_SECONDS", "0.05")
    deaf = start(f"signal.signal({signal.SIGTERM}, signal.SIG_IGN);")
    started.append(deaf)
    steps.stop(Data(tmp_path), [deaf.pid])  # without a folder of steps there is no mark either
    assert deaf.poll() is None
