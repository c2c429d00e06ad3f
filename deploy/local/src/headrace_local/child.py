"""A program and its process: start, health, end, and what the state tells about them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace_local import processes
from headrace_local.health import rules
from headrace_local.health.rules import Health, Observation, Restarts, Verdict
from headrace_local.programs import Program

_LARGE_LOG_BYTES = 20 * 1024 * 1024
_TAIL_BYTES = 64 * 1024
_LONGEST_TEXT = 300
_OUTSIDE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""A process that one of these has ended was ended from outside."""
_ERROR_WORDS = ("error", "fatal", "panic", "exception", "[ftl]", "[err]", "no space left")


@dataclass(slots=True)
class Child:
    """A program and its current process. Times are of a monotonic clock."""

    program: Program
    log: Path
    say: Callable[[str], None]
    """Writes to the supervisor's log."""
    process: subprocess.Popen[bytes] | None = None
    pid_started: int | None = None
    health: Health = field(default_factory=lambda: Health(0.0))
    restarts: Restarts = field(default_factory=Restarts)
    count: int = 0
    """How often it was restarted since the supervisor started."""
    due: float = 0.0
    """When it is to be started, if it does not run."""
    next_check: float = 0.0
    is_checked: bool = False
    """Whether a check is under way."""
    kill_at: float | None = None
    """When a process that was asked to stop is killed."""
    last_error: str = ""
    last_restart: str = ""
    _log_begin: int = 0

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.program.name

    @property
    def is_ready(self) -> bool:
        """Whether it runs and does its work."""
        return self.process is not None and self.health.ready and self.kill_at is None

    def start(self, now: float) -> None:
        """Start the program; try again later if the machine is short of something."""
        try:
            self._rotate()
            self.process = processes.start(self.program, self.log)
        except OSError as error:
            self.last_error = f"cannot start it: {error}"
            self.say(f"{self.name}: {self.last_error}")
            self._wait(now, now, own_fault=True)
            return
        self.pid_started = processes.start_time(self.process.pid)
        self.health = Health(now)
        self.next_check, self.kill_at = now, None

    def collect_end(self, now: float) -> bool:
        """Whether the process has ended; then its next start is planned."""
        if self.process is None or (status := self.process.poll()) is None:
            return False
        asked = self.kill_at is not None
        crashed = not asked and status != 0 and -status not in _OUTSIDE_SIGNALS
        if crashed:
            self.last_error = self._last_error() or f"exit status {status}"
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited: {status}"
        if not asked:
            self.last_restart = f"it {how} at {_clock()}"
        self._wait(self.health.started, now, own_fault=asked or crashed)
        self.say(f"{self.name} {how}; started again in {self.restarts.pause:g} s")
        self.count += 1
        return True

    def _wait(self, started: float, now: float, *, own_fault: bool) -> None:
        self.restarts = rules.after_end(self.restarts, started, now, own_fault=own_fault)
        self.process, self.pid_started, self.kill_at = None, None, None
        self.health = Health(now)
        self.due = now + self.restarts.pause

    def observe(self, seen: Observation, now: float, *, excused: bool) -> None:
        """Take in the result of a check, and restart the process if it is to be."""
        before = self.health
        self.health = rules.observe(before, seen, now, excused=excused)
        self.next_check = rules.next_check(self.health, now)
        if self.kill_at is None and before.was_ready and seen != before.last:
            self.say(f"{self.name}: {seen.verdict} {seen.detail}".rstrip())
        if self.kill_at is None and rules.is_restart_due(self.health, now):
            since = datetime.now(UTC).timestamp() - (now - (self.health.bad_since or now))
            self.last_restart = f"{seen.detail}, since {_clock(since)}"
            self.last_error = seen.detail
            self.say(f"{self.name}: restarted, {self.last_restart}")
            self.stop(now, at_once=seen.verdict is Verdict.SILENT)

    def stop(self, now: float, *, at_once: bool = False) -> None:
        """Ask the process to stop; `kill_if_late` kills it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.kill_at = now if at_once else now + self.program.stop_seconds
        if not at_once:
            self.process.send_signal(self.program.stop_signal)
        self.kill_if_late(now)

    def kill_if_late(self, now: float) -> None:
        """Kill a process that was asked to stop and still runs, with the descendants that are a
        part of it: a stopped one would outlive it."""
        if self.kill_at is None or now < self.kill_at or self.process is None:
            return
        tree = processes.descendants(self.process.pid) if self.program.owns_descendants else []
        self.process.kill()
        for pid in tree:
            processes.kill(pid, signal.SIGKILL)

    def problem(self, now: float) -> str:
        """What is wrong with it, in words; empty if nothing is."""
        looping = rules.is_loop(self.restarts, now)
        if self.is_ready and not looping:
            return ""
        parts = [rules.restarts_in_words(self.restarts, now)]
        if self.process is None:
            parts.append(f"next start in {max(0.0, self.due - now):.0f} s")
        elif self.kill_at is not None:
            parts.append(f"is being restarted: {self.last_restart}")
        elif not self.is_ready:
            known = self.health.was_ready or self.restarts.ends
            parts.append(self.health.last.detail if known else "starting")
        if self.last_error and self.restarts.ends:
            parts.append(f"last error: {self.last_error}")
        return f"{self.name}: {', '.join(part for part in parts if part)}"[:_LONGEST_TEXT]

    def state(self, port: int) -> dict[str, Any]:
        """Its entry in the state of the deployment."""
        return {
            "pid": self.process.pid if self.process else None,
            "pid_started": self.pid_started,
            "ready": self.is_ready,
            "restarts": self.count,
            "port": port,
            "last_restart": self.last_restart[:_LONGEST_TEXT] or None,
            "last_error": self.last_error[:_LONGEST_TEXT] or None,
        }

    def _rotate(self) -> None:
        """Begin a new log if the present one is large; remember where this process begins."""
        size = self.log.stat().st_size if self.log.exists() else 0
        if size > _LARGE_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
            size = 0
        self._log_begin = size

    def _last_error(self) -> str:
        """The last line of this process's log that tells of an error; else its last line."""
        try:
            with self.log.open("rb") as file:
                end = file.seek(0, 2)
                file.seek(max(self._log_begin, end - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        lines = [line.strip() for line in lines if line.strip()]
        errors = [line for line in lines if any(word in line.lower() for word in _ERROR_WORDS)]
        return (errors or lines or [""])[-1][:_LONGEST_TEXT]


def _clock(timestamp: float | None = None) -> str:
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return f"{now:%H:%M:%S} UTC"
