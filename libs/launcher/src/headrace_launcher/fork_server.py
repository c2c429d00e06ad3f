"""A process that forks launchers and has everything imported before the first step.

The client sends one end of a socket pair through the server's socket; it becomes the channel of a
new launcher (see `launcher`). If the fork fails, the server answers ``{"refused"}`` in its place.

When a launcher is killed, what its step left becomes a child of the server, its subreaper, and is
killed: also a process that left its group and cleaned its environment. So the server ends only
when it has no children, and its socket is closed or it was idle for a minute. If the server is
killed, its launchers go on. It has no threads, so a fork is safe.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401  # a connection needs it: imported once, not in each fork
import gc
import json
import os
import signal
import socket
from collections.abc import Iterator

from headrace_launcher import launcher
from headrace_launcher.processes import become_subreaper, children


def serve(control: socket.socket) -> None:
    """Fork a launcher for each channel that arrives through `control`."""
    become_subreaper()
    gc.collect()
    gc.freeze()  # a collection would make each fork copy the pages
    launchers: set[int] = set()
    is_open = True
    with _child_signals() as signals:
        while is_open or launchers or children():
            sources = [signals.end, control] if is_open else [signals.end]
            ready = launcher.readable(sources, launcher.IDLE_SECONDS)
            if signals.end in ready:
                signals.end.recv(4096)
                _bury(launchers)
            if control in ready:
                is_open = _fork(control, signals, launchers)
            if not ready and not launchers and not children():
                return


class _ChildSignals:
    """Makes the end of a child readable, also one that occurs just before a `select`."""

    def __init__(self) -> None:
        self.end, self._start = socket.socketpair()
        self._start.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._start.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        """Undo everything."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.end.close()
        self._start.close()


@contextlib.contextmanager
def _child_signals() -> Iterator[_ChildSignals]:
    signals = _ChildSignals()
    try:
        yield signals
    finally:
        signals.close()


def _fork(control: socket.socket, signals: _ChildSignals, launchers: set[int]) -> bool:
    """Fork one launcher; False when the server's socket is closed."""
    request, channels, _, _ = socket.recv_fds(control, 1, 1, socket.MSG_CMSG_CLOEXEC)
    if not request:
        return False
    if not channels:  # no descriptor was free: the client sees that its channel is closed
        return True
    with socket.socket(fileno=channels[0]) as channel:
        try:
            pid = os.fork()
        except OSError as error:
            answer = {"refused": f"cannot fork a launcher: {error.strerror}"}
            with contextlib.suppress(OSError):
                channel.sendall(json.dumps(answer).encode() + b"\n")
            return True
        if pid == 0:
            signals.close()
            control.close()
            launcher.live(channel)
        launchers.add(pid)
    return True


def _bury(launchers: set[int]) -> None:
    """Reap the children that have ended, and kill those that are no launchers."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if not pid:
            break
        launchers.discard(pid)
    for pid in children():
        if pid not in launchers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
