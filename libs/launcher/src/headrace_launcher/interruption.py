"""What ends an attempt early: a signal to stop, and its time limit.

Transfers wait for as long as the object store is away, and a request may block on a store that does
not answer. So an interruption raises within such a call, at once (`breaking`).

A deployment that is being stopped signals the launcher too, and marks that with a file. Then a
command that ends with status 0 has finished, and its uploads go on until the launcher is killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from headrace_launcher.failure import CanceledError, TimeLimitError

STOPPING = (signal.SIGTERM, signal.SIGINT)
"""The signals that ask a launcher to stop its step."""


class Interruption:
    """Whether, and why, the attempt has to end."""

    def __init__(self, seconds: float | None = None, stop_mark: str | None = None) -> None:
        """`seconds` is the time limit, which begins now; `stop_mark` is the path of the file that
        exists when the deployment is being stopped."""
        self._seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._stop_mark = stop_mark
        self._command_ended = False
        self._breaks = False
        self.requested = False
        """Whether a signal to stop has arrived."""
        self.stopped_command = False
        """Whether the deployment stopped the command before it had ended."""

    def install(self) -> None:
        """Handle the signals, also one that was held back until now."""
        for number in (*STOPPING, signal.SIGALRM):
            signal.signal(number, self._handle)
        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, max(self._seconds, 1e-6))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def end(self) -> None:
        """The attempt has ended: its time limit concerns nothing any more."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _handle(self, number: int, _: Any) -> None:
        if number in STOPPING:
            if self._command_ended and self.is_orderly():
                return
            self.requested = True
        if self._breaks:
            self.check()

    def is_orderly(self) -> bool:
        """Whether a signal to stop means that the deployment is being stopped."""
        return self._stop_mark is not None and os.path.exists(self._stop_mark)

    def is_over(self) -> bool:
        """Whether the time limit is reached."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def left(self, most: float) -> float:
        """How long to wait for something: at most this, and not beyond the time limit."""
        return most if self._deadline is None else min(most, self._deadline - time.monotonic())

    def check(self) -> None:
        """Raise the reason why the attempt has to end, if there is one."""
        if self.requested:
            raise CanceledError
        if self.is_over():
            raise TimeLimitError(self._seconds or 0)

    def command_finished(self) -> None:
        """The command ended with status 0: when the deployment is being stopped, it keeps its
        result."""
        if self.requested and self.is_orderly():
            self.requested, self.stopped_command = False, True
        self._command_ended = True

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Within this, an interruption raises at once, also within a call that blocks.

        Raises:
            StepError: the reason why the attempt has to end.
        """
        self._breaks = True
        try:
            self.check()
            yield
        finally:
            self._breaks = False
