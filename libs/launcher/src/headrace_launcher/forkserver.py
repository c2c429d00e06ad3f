"""A warm process that launchers are forked from: everything is imported before the first step.

One JSON object a line: ``{"id", "launch", "stderr"}`` in, ``{"id", "pid", "start_time"}`` out, and
the next request only after the answer. The server ends with its input, or when it was not needed
for a while, and leaves alone what it has forked. It runs no threads, so a fork is safe.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # a first connection needs it: read once here, not in each fork
import gc
import json
import os
import select
import signal
import sys
import traceback
from typing import IO, Any

from headrace_launcher import step
from headrace_launcher.command import STOPPING

_IDLE_SECONDS = 60.0
"""To start again costs 40 ms; to wait costs 20 MB."""


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Fork a launcher for each request, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody waits here
    gc.collect()
    gc.freeze()  # what a collection would touch, each fork would have to copy
    gc.disable()
    while select.select([requests], [], [], _IDLE_SECONDS)[0]:
        line = requests.readline()
        if not line:
            return
        request = json.loads(line)
        pid = _fork(request)
        answer = {"id": request["id"], "pid": pid, "start_time": _start_time(pid)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _fork(request: dict[str, Any]) -> int:
    """Fork a launcher; returns when it can be found by its standard error. Signals that ask it to
    stop are held back until it listens: it then can still say that it was stopped."""
    told, tell = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        _become_launcher(request, tell)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    os.close(tell)
    os.read(told, 1)  # nothing, at the moment when the launcher closes its end
    os.close(told)
    return pid


def _become_launcher(request: dict[str, Any], tell: int) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        error = os.open(request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(error, 1)
        os.dup2(error, 2)
        os.close(tell)
        status = step.run(request["launch"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _start_time(pid: int) -> int:
    """Field 22 of /proc/PID/stat (proc(5)), 0 when the child has ended already."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0
