"""The machine is short of processes, memory or descriptors when a command starts."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.launches import LAUNCHER, Objects, manifest, plan

RUN = f"""
import os, subprocess, sys, threading
sys.path.insert(0, {str(Path(LAUNCHER).parent)!r})
from headrace_launcher import step

def short(*_, **__):
    raise {{error}}

{{what}} = short
sys.exit(step.run(sys.argv[1]))
"""


def short_of(folder: Path, objects: Objects, what: str, error: str) -> tuple[str, str]:
    """Run a step while `what` raises; returns code and message of its failure."""
    launch = plan(folder, objects, ("sleep", "600"))
    path = folder / "launch.json"
    path.write_bytes(launch.to_json())
    code = RUN.format(what=what, error=error)
    subprocess.run([sys.executable, "-c", code, str(path)], timeout=120, check=False)
    found = manifest(folder).failure
    assert found is not None
    return found.code, found.message


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_a_command_that_cannot_be_started_now_is_lost_by_the_platform(
    tmp_path: Path, objects: Objects, number: int
) -> None:
    text = os.strerror(number)
    code, message = short_of(tmp_path, objects, "subprocess.Popen", f"OSError({number}, {text!r})")
    assert code == "ATTEMPT_LOST"
    assert message == (
        f"cannot start the command 'sleep': the machine is short of resources ({text})"
    )


def test_a_command_that_does_not_exist_is_the_steps_fault(tmp_path: Path, objects: Objects) -> None:
    error = "OSError(2, 'No such file or directory')"
    assert short_of(tmp_path, objects, "subprocess.Popen", error)[0] == "COMMAND_NOT_FOUND"


def test_a_command_whose_output_cannot_be_copied_is_ended(tmp_path: Path, objects: Objects) -> None:
    """The machine has no process for another thread. It returns, so the command has ended."""
    error = 'RuntimeError("can\'t start new thread")'
    code, message = short_of(tmp_path, objects, "threading.Thread.start", error)
    assert code == "ATTEMPT_LOST"
    assert "cannot copy the output of the command" in message
