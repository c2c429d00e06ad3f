"""The user's command: its process tree, its log, its time limit.

Invariant: when `run` returns or raises, no process of the tree is left. The launcher is the tree's
subreaper, so that a process which has left the process group becomes its child and is found.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import threading
import time
from typing import Any

from headrace_launcher.failure import EXIT_LAUNCHER_ERROR, StepError, is_shortage
from headrace_launcher.interruption import STOPPING, Interruption
from headrace_launcher.log import Log
from headrace_launcher.processes import become_subreaper, children

_POLL_SECONDS = 0.2
_LAST_OUTPUT_SECONDS = 1.0
_SHELL_SIGNALS = 128
"""A shell exits with this plus the number of the signal that ended its command."""
_EXCEPTION_LENGTH = 300


def run(launch: dict[str, Any], log: Log, interruption: Interruption) -> None:
    """Run the command to its end.

    Raises:
        StepError: it failed, took too long, could not be found, or was canceled.
    """
    become_subreaper()
    process = _start(launch)
    copying = None
    try:
        copying = _start_copying(process, log)
        ended = _wait(process, interruption, log)
    finally:
        _end_tree(process, launch["grace_seconds"])
        if copying is not None:
            copying.join(_LAST_OUTPUT_SECONDS)
    if process.returncode == 0:
        interruption.command_finished()
    if interruption.requested or not ended:
        interruption.check()
    _check_status(process.returncode, log)


def _start_copying(process: subprocess.Popen[bytes], log: Log) -> threading.Thread:
    """Copy the command's output in a thread. It takes no signals: they have to interrupt the main
    thread."""
    assert process.stdout is not None
    copying = threading.Thread(target=log.copy, args=(process.stdout,), daemon=True)
    signals = (*STOPPING, signal.SIGALRM)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        copying.start()
    except RuntimeError as error:
        raise _shortage("copy the output of the command", str(error)) from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    return copying


def _start(launch: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the command. No Python code runs between fork and exec, so the kernel need not copy the
    launcher. A command whose launcher is killed is found by its environment."""
    try:
        return subprocess.Popen(
            _found(launch["argv"], launch["env"]),
            env=launch["env"],
            cwd=launch["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        name = launch["argv"][0]
        if is_shortage(error):
            raise _shortage(f"start the command {name!r}", str(error.strerror)) from None
        if error.errno == errno.E2BIG:
            raise StepError(
                "INPUT_INVALID",
                f"the arguments and environment of {name!r} together are longer than this "
                "machine allows; pass large values as artifacts",
            ) from None
        raise StepError(
            "COMMAND_NOT_FOUND",
            f"cannot run the command {name!r} on this machine: {error.strerror}",
            127,
        ) from None


def _shortage(what: str, why: str) -> StepError:
    message = f"cannot {what}: the machine is short of resources ({why})"
    return StepError("ATTEMPT_LOST", message, EXIT_LAUNCHER_ERROR, retryable=True)


def _found(argv: list[str], env: dict[str, str]) -> list[str]:
    """The command line, with its command looked up in the step's PATH, not the launcher's."""
    name = argv[0]
    if "/" in name:
        return list(argv)
    for folder in env.get("PATH", os.defpath).split(":"):
        candidate = os.path.join(folder, name)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return [candidate, *argv[1:]]
    raise StepError("COMMAND_NOT_FOUND", f"command {name!r} not found on this machine", 127)


def _wait(process: subprocess.Popen[bytes], interruption: Interruption, log: Log) -> bool:
    """Wait for the end of the command; False when the attempt has to end before."""
    while not (interruption.requested or interruption.is_over()):
        if _ended_within(process, max(0.0, interruption.left(_POLL_SECONDS))):
            return True
        with contextlib.suppress(StepError), interruption.breaking():
            log.flush_if_due()
    return False


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the command ends within this time; waits without polling where possible (Linux
    5.3)."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode is not None
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    return process.poll() is not None


def _end_tree(process: subprocess.Popen[bytes], grace: float) -> None:
    """Ask the command's group to end; after the grace kill it and every remaining descendant."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    while _kill_children():  # their children become ours: repeat until there are none
        time.sleep(0.01)


def _kill_children() -> int:
    """Kill every child of this process; returns their number."""
    found = children()
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue
    return len(found)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _check_status(status: int, log: Log) -> None:
    if status == 0:
        return
    if status < 0:
        ended = f"the command was killed by signal {_named(-status)}"
        message = explain(ended, log.tail())
        raise StepError("COMMAND_FAILED", message, _SHELL_SIGNALS - status, signal=-status)
    ended = f"the command exited with code {status}"
    if status - _SHELL_SIGNALS in signal.valid_signals():
        ended += f", which a shell uses for signal {_named(status - _SHELL_SIGNALS)}"
    raise StepError("COMMAND_FAILED", explain(ended, log.tail()), status, exit_code=status)


def explain(ended: str, tail: str) -> str:
    """A failure message: the exception of a Python traceback, how the command ended, and the end of
    its output."""
    exception = _exception(tail)
    output = f"; last output:\n{tail}" if tail else ""
    return f"{exception + '; ' if exception else ''}{ended}{output}"


def _exception(tail: str) -> str:
    """The line with the exception of the last traceback: the first that is not indented."""
    _, found, rest = tail.rpartition("Traceback (most recent call last):\n")
    if not found:
        return ""
    line = next((line for line in rest.splitlines() if line and not line[0].isspace()), "")
    return line if len(line) <= _EXCEPTION_LENGTH else line[: _EXCEPTION_LENGTH - 3] + "..."


def _named(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else "real-time"
    if number == signal.SIGKILL:
        return f"{number} ({name}); the machine may be out of memory"
    return f"{number} ({name})"
