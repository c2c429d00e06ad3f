"""A warm process that launchers are forked from: everything is imported before the first step.

Whoever wants a launcher sends one end of a socket pair, which becomes its channel. A launcher takes
one launch after another from it, so that a fork, the pages that it copies, and the end of a process
are paid for once in many steps. One JSON object a line: ``{"launch", "stderr"}`` in, then
``{"pid", "start_time"}`` before anything is done for it, and ``{"ended"}`` when its result is
there; the end of the stream is the end of the launcher. A launcher ends with its channel, after its
hundredth launch, when it was not needed for a while, and when anything may be left of a launch.
The server ends with its own socket, or when it was not needed for a while; its launchers go on. It
runs no threads, so a fork is safe.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  # a first connection needs it: read once here, not in each fork
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback

from headrace_launcher import step
from headrace_launcher.command import STOPPING
from headrace_launcher.failure import EXIT_LAUNCHER_ERROR

_IDLE_SECONDS = 60.0
"""To start again costs 40 ms; to wait costs 20 MB, and some MB for each launcher."""
_LAUNCHES = 100
"""What a launcher has not given back of its memory goes with it."""
_ENDED = b'{"ended": true}\n'


def serve(control: socket.socket) -> None:
    """Fork a launcher for each channel that comes through `control`, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: nobody waits here
    gc.collect()
    gc.freeze()  # what a collection would touch, each fork would have to copy
    while _readable(control):
        asked, channels, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            _become_launcher(socket.socket(fileno=channels[0]))
        os.close(channels[0])


def _become_launcher(channel: socket.socket) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _work(channel)
        status = 0
    except ConnectionError:
        pass  # nobody is interested any more
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _work(channel: socket.socket) -> None:
    requests = channel.makefile("r")
    started = json.dumps({"pid": os.getpid(), "start_time": _start_time()}).encode() + b"\n"
    for _ in range(_LAUNCHES):
        line = requests.readline() if _readable(channel) else ""
        if not line:
            return
        request = json.loads(line)
        # A signal that asks to stop waits until the step listens, and can say that it was stopped.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        _redirect(request["stderr"])  # by this it can be found
        channel.sendall(started)
        status = step.run(request["launch"])
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        sys.stderr.flush()
        if status == EXIT_LAUNCHER_ERROR or threading.active_count() > 1:
            return
        channel.sendall(_ENDED)


def _readable(source: socket.socket) -> bool:
    """Whether there is something to read, or the end, before it was idle for too long."""
    return bool(select.select([source], [], [], _IDLE_SECONDS)[0])


def _redirect(path: str) -> None:
    error = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(error, 1)
    os.dup2(error, 2)
    os.close(error)


def _start_time() -> int:
    """Field 22 of /proc/self/stat (proc(5)), which tells this process from others of its number."""
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])
