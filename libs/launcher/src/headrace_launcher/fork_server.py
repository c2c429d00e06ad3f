"""A process that forks launchers and has everything imported before the first step.

Protocol: the client sends one end of a socket pair through the server's socket; it becomes the
channel of a new launcher. A launcher takes one launch after another from its channel, so that the
cost of a fork, of the pages that it copies and of the end of a process is shared by many steps.
Each message is a JSON object on a line. The client sends ``{"launch", "stderr"}``; the launcher
answers ``{"pid", "start_time"}`` before it does anything for the launch, ``{"progress"}`` whenever
its progress file has changed, and ``{"ended"}`` when the result is written. The end of the stream
is the end of the launcher.

A launcher ends when its channel is closed, after 100 launches, when it is idle for a minute, and
when a launch may have left something in it. The server ends when its socket is closed or when it is
idle for a minute; its launchers go on. It has no threads, so a fork is safe.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401  # a connection needs it: imported once, not in each fork
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from functools import partial

from headrace_launcher import step
from headrace_launcher.failure import EXIT_LAUNCHER_ERROR
from headrace_launcher.interruption import STOPPING

_IDLE_SECONDS = 60.0
"""A new start costs 40 ms; an idle server holds 20 MB, and some MB for each launcher."""
_LAUNCHES = 100
"""Launches before a launcher is replaced, which bounds what it leaks."""
_PROGRESS = b'{"progress": true}\n'
_ENDED = b'{"ended": true}\n'


def serve(control: socket.socket) -> None:
    """Fork a launcher for each channel that arrives through `control`, until it is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the launchers
    gc.collect()
    gc.freeze()  # a collection would make each fork copy the pages
    while _readable(control):
        request, channels, _, _ = socket.recv_fds(control, 1, 1)
        if not request:
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
        pass  # the client has closed the channel
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
        # A signal to stop is held back until the step handles it and can report that it stopped.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        _redirect(request["stderr"])  # the executor finds the launcher by this file
        channel.sendall(started)
        status = step.run(request["launch"], partial(_tell_progress, channel))
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        sys.stderr.flush()
        if status == EXIT_LAUNCHER_ERROR or threading.active_count() > 1:
            return
        channel.sendall(_ENDED)


def _tell_progress(channel: socket.socket) -> None:
    """Say that the progress file has changed. Nobody reads it when the executor is gone."""
    with contextlib.suppress(OSError):
        channel.sendall(_PROGRESS)


def _readable(source: socket.socket) -> bool:
    """Whether `source` has data or is closed; False when it was idle for too long."""
    return bool(select.select([source], [], [], _IDLE_SECONDS)[0])


def _redirect(path: str) -> None:
    error = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(error, 1)
    os.dup2(error, 2)
    os.close(error)


def _start_time() -> int:
    """Field 22 of /proc/self/stat (proc(5)), which distinguishes this process from a later one with
    the same number."""
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])
