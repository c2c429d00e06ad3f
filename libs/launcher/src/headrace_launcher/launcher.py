"""A launcher that the fork server forked: it takes one launch after another from its channel.

Each message of the channel is a JSON object on a line. The client sends ``{"launch", "lock",
"execution", "stderr"}``. The launcher takes the lock of the attempt and answers ``{"pid",
"start_time"}`` before it does anything for the launch, ``{"progress"}`` whenever its progress file
has changed, and ``{"ended"}`` when the result is written. It answers ``{"refused"}``, with the
reason, if it must not run the launch. The end of the stream is the end of the launcher.

Invariant: a launcher runs a launch only if it holds the attempt's lock and its client was there to
take the answer. A client that closes the channel without an answer knows from the lock whether the
launch runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from functools import partial
from typing import Any

from headrace_launcher import attempt_lock, step
from headrace_launcher.attempt_lock import AttemptLock, Record, RefusedError
from headrace_launcher.failure import EXIT_LAUNCHER_ERROR
from headrace_launcher.interruption import STOPPING
from headrace_launcher.processes import start_time

IDLE_SECONDS = 60.0
"""A new start costs 40 ms; an idle server holds 20 MB, and some MB for each launcher."""
_LAUNCHES = 100
"""Launches before a launcher is replaced, which bounds what it leaks."""


def live(channel: socket.socket) -> None:
    """Take launches until the channel is closed or idle, after 100 launches, and after a launch
    that may have left something in this process. Ends the process."""
    status = 1
    try:
        os.setsid()
        _work(channel)
        status = 0
    except ConnectionError:
        pass  # the client has closed the channel
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def readable(sources: list[Any], seconds: float | None) -> list[Any]:
    """Those of `sources` that have data or are closed; none of them after `seconds`."""
    return select.select(sources, [], [], seconds)[0]


def _work(channel: socket.socket) -> None:
    requests = channel.makefile("r")
    started = start_time()
    for _ in range(_LAUNCHES):
        line = requests.readline() if readable([channel], IDLE_SECONDS) else ""
        if not line:
            return
        request = json.loads(line)
        # A signal to stop is held back until the step handles it and can report that it stopped.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            lock = attempt_lock.take(
                request["lock"], Record(os.getpid(), started, request["execution"])
            )
        except RefusedError as error:
            _send(channel, {"refused": str(error)})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            continue
        if not _run(channel, lock, request, started):
            return
        _send(channel, {"ended": True})


def _run(channel: socket.socket, lock: AttemptLock, request: dict[str, Any], started: int) -> bool:
    """Run one launch; returns whether this process is fit for another one."""
    _redirect(request["stderr"], os.O_CREAT | os.O_TRUNC)
    _send(channel, {"pid": os.getpid(), "start_time": started})
    lock.accept()
    status = step.run(request["launch"], partial(_tell_progress, channel))
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    sys.stderr.flush()
    if status == EXIT_LAUNCHER_ERROR or threading.active_count() > 1:
        return False
    _redirect(os.devnull)
    lock.release()
    return True


def _tell_progress(channel: socket.socket) -> None:
    """Say that the progress file has changed. Nobody reads it when the executor is gone."""
    with contextlib.suppress(OSError):
        _send(channel, {"progress": True})


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    channel.sendall(json.dumps(message).encode() + b"\n")


def _redirect(path: str, flags: int = 0) -> None:
    """Make this file the standard output and the standard error."""
    error = os.open(path, os.O_WRONLY | flags, 0o600)
    os.dup2(error, 1)
    os.dup2(error, 2)
    os.close(error)
