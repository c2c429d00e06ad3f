"""What commands see of a deployment and do with it: find, start and stop its supervisor.

Several commands may run at one time, and the deployment may be in any state. What is done without a
supervisor is done with its lock, so that no other one starts meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headrace_local import groups, processes, steps
from headrace_local.data import OTHER_SUPERVISOR, Data
from headrace_local.health import disk

_SUPERVISOR = (sys.executable, "-m", "headrace_local.supervisor")
_UP_SECONDS = 90.0
_DOWN_SECONDS = 60.0
_KILLED_SECONDS = 10.0
_POLL_SECONDS = 0.02
_REPORT_SECONDS = 10.0


class ControlError(Exception):
    """A command cannot do what it is for."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class View:
    """A deployment at one moment."""

    state: str
    """``stopped``, ``starting``, ``ready``, ``healing``, ``disk full``, ``stopping``; ``crashed``
    if the supervisor has ended without an orderly stop, ``frozen`` if a signal has stopped it."""
    supervisor: int | None
    """The process of a supervisor that runs."""
    content: dict[str, Any]
    """What the supervisor last wrote."""

    @property
    def is_running(self) -> bool:
        """Whether a supervisor holds the lock."""
        return self.state not in ("stopped", "crashed")

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words."""
        if self.state == "crashed":
            return ["the supervisor has ended unexpectedly; start it again with: headrace up"]
        if self.state == "frozen":
            return [
                f"a signal has stopped the supervisor (process {self.supervisor}); "
                "continue it with: headrace up"
            ]
        return list(self.content.get("problems", [])) if self.is_running else []


def look(data: Data) -> View:
    """The deployment as it is now. Never waits."""
    if not data.is_ours():
        return View("stopped", None, {})
    locked = data.is_locked()
    content = data.state()
    if not locked:
        ended = content.get("state") in (None, "stopped")
        return View("stopped" if ended else "crashed", None, content)
    pid = content.get("supervisor")
    if pid is None or processes.start_time(pid) != content.get("supervisor_started"):
        return View("starting", None, {})  # it has not yet written its state
    if processes.is_stopped(pid):
        return View("frozen", pid, content)
    return View(content["state"], pid, content)


class Start:
    """One `up`: starts a supervisor unless one runs, and waits until the deployment is ready."""

    def __init__(self, data: Data, report: Callable[[str], None]) -> None:
        """`report` is told every few seconds what the start waits for."""
        self._data = data
        self._report = report
        self._next_report = time.monotonic() + _REPORT_SECONDS
        self._attached = False
        """Whether a supervisor was seen that had not been asked to stop."""
        self.spawned: subprocess.Popen[bytes] | None = None
        """The supervisor, if it was started here."""

    def wait(self) -> View:
        """Return when the deployment is ready. Waits for the end of a `down`, and for another `up`.

        Raises:
            ControlError: it was not ready in time, was stopped meanwhile, or the disk is full.
        """
        deadline = time.monotonic() + _UP_SECONDS
        while True:
            view = look(self._data)
            if self._is_done(view):
                return view
            if time.monotonic() > deadline:
                self.abandon()
                waited = "; ".join(view.problems) or f"it is {view.state}"
                raise ControlError("CANNOT_START", f"the deployment did not become ready: {waited}")
            self._report_at_times(view)
            time.sleep(_POLL_SECONDS)

    def abandon(self) -> None:
        """Stop the deployment if it was started here."""
        if self.spawned is not None:
            self.spawned.terminate()  # it may not have written its state yet
            self.spawned.send_signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.spawned.wait(_DOWN_SECONDS)
            stop(self._data)

    def _is_done(self, view: View) -> bool:
        if not view.is_running:
            self._spawn(view)
            return False
        if view.state == "frozen" and view.supervisor is not None:
            _signal(view.supervisor, signal.SIGCONT)
        if view.state == "disk full":
            raise ControlError("DISK_FULL", view.problems[0])
        if view.state != "stopping" and view.supervisor is not None:
            self._attached = True
        if view.state != "ready":
            return False
        ours, theirs = version("headrace-local"), view.content.get("version")
        if ours != theirs:
            raise ControlError(
                "OTHER_VERSION",
                f"Headrace {theirs} runs in {self._data.path}, and this is Headrace {ours}; "
                "restart it with: headrace down, then headrace up",
            )
        return True

    def _spawn(self, view: View) -> None:
        """Start a supervisor, unless the one that was started here has not yet taken the lock."""
        failure = view.content.get("failure")
        if self.spawned is not None:
            status = self.spawned.poll()
            if status is None:
                return
            if status > 0 and status != OTHER_SUPERVISOR:
                why = failure or _last_line(self._data.logs / "supervisor.log")
                raise ControlError("CANNOT_START", f"the deployment did not start: {why}")
        if self._attached and view.state == "stopped":
            why = failure or "it was stopped while it started"
            raise ControlError("CANNOT_START", f"the deployment did not start: {why}")
        space = disk.Space(self._data.path)
        space.look()
        if space.is_full:
            raise ControlError("DISK_FULL", space.problem())
        self.spawned = _spawn(self._data)

    def _report_at_times(self, view: View) -> None:
        if time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + _REPORT_SECONDS
            self._report("; ".join(view.problems) or f"the deployment is {view.state}")


def stop(data: Data) -> bool:
    """Stop the deployment and end all of its processes. Returns whether any ran.

    Raises:
        ControlError: its supervisor did not end, or another command holds the lock.
    """
    began, ran = time.monotonic(), False
    asked, started = None, 0
    while True:
        lock = data.lock()
        if lock is not None:
            with lock:
                if asked is not None:  # it has released the lock, and ends at any moment
                    processes.wait_until_ended({asked: started}, _KILLED_SECONDS)
                return end_leftovers(data) or ran
        view = look(data)
        if view.supervisor is not None and asked not in (None, view.supervisor):
            return True  # it ended, and an `up` has started another one
        waited = time.monotonic() - began
        if view.supervisor is not None:
            ran = True
            if asked is None:
                asked, started = view.supervisor, view.content["supervisor_started"]
                _signal(asked, signal.SIGTERM)
            _signal(asked, signal.SIGCONT)
            if waited > _DOWN_SECONDS:
                _signal(asked, signal.SIGKILL)
        if waited > _DOWN_SECONDS + _KILLED_SECONDS:
            raise ControlError("CANNOT_STOP", f"another process holds {data.path / 'lock'}")
        time.sleep(_POLL_SECONDS)


def end_leftovers(data: Data) -> bool:
    """End the processes that a dead supervisor left; the caller holds the lock. Returns whether
    there were any."""
    known = data.state().get("group")
    group = Path(known) if known else None
    found = False
    steps.mark_stop(data)
    for number in (signal.SIGINT, signal.SIGKILL, signal.SIGKILL):  # Postgres stops on the first
        left = {
            pid: started
            for pid in processes.of_deployment(data.path, group)
            if (started := processes.start_time(pid)) is not None
        }
        found = found or bool(left)
        for pid in left:
            processes.kill(pid, number)
        processes.wait_until_ended(left, 3)
    groups.remove(group)
    data.state_path.unlink(missing_ok=True)
    return found


def _spawn(data: Data) -> subprocess.Popen[bytes]:
    with (data.logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [*_SUPERVISOR, "--data", str(data.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "its log is empty"
