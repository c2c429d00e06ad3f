"""Socket pairs between processes of one host, as the fork client uses them.

What is sent arrives in order and after a moment. An end is closed when no process holds it any
more; the other end then reads its end of file.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from tests.simulation.clock import chance
from tests.simulation.loop import PROCESS, Process
from tests.support.memory.wire import at_end_of_process, later


class End:
    """One end of a socket pair."""

    def __init__(self) -> None:
        self.peer: End = self
        self._holders: Counter[int] = Counter()
        self._arrived: deque[Any] = deque()
        self._arrives = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._reader: tuple[Callable[[Any], None], Process] | None = None

    def hold(self, process: Process) -> None:
        """A process has this end open."""
        self._holders[id(process)] += 1

    def release(self, process: Process) -> None:
        """A process closes this end."""
        if self._holders[id(process)]:
            self._holders[id(process)] -= 1
            if not any(self._holders.values()):
                self.peer.put(None)

    @property
    def is_closed(self) -> bool:
        """Whether no process holds it."""
        return not any(self._holders.values())

    def put(self, item: Any) -> None:
        """Have something arrive here: bytes, the ends that are passed on, or None at the end."""
        loop = asyncio.get_running_loop()
        self._arrives = max(self._arrives, loop.time() + chance().uniform(0, 0.002))
        later(self._arrives - loop.time(), self._arrive, item)

    def feed(self, take: Callable[[Any], None], process: Process) -> None:
        """Have a process take what arrives, when its event loop finds it."""
        self._reader = take, process
        while self._arrived:
            self._arrive(self._arrived.popleft())

    async def receive(self, seconds: float) -> Any:
        """What arrives next; None at the end, or when nothing arrives in time."""
        if not self._arrived:
            self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._waiter}, timeout=seconds)
        return self._arrived.popleft() if self._arrived else None

    def _arrive(self, item: Any) -> None:
        if self._reader is not None:
            take, process = self._reader
            asyncio.get_running_loop().call_soon(take, item, context=process.context())
            return
        self._arrived.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


_DESCRIPTORS: dict[int, End] = {}


class SimulatedSocket:
    """A socket that a service has open."""

    def __init__(self, end: End) -> None:
        process = PROCESS.get()
        assert process is not None
        self.end = end
        self._process = process
        self._received: deque[bytes | None] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_read = False
        end.hold(process)
        at_end_of_process(self.close)

    def __enter__(self) -> SimulatedSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def setblocking(self, flag: bool) -> None:
        return

    def shutdown(self, how: int) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """`loop.sock_sendall`."""
        if self.end.peer.is_closed or self._process is None:
            raise BrokenPipeError(32, "Broken pipe")
        self.end.peer.put(data)

    async def receive(self) -> bytes:
        """`loop.sock_recv`: all that has arrived, nothing at the end."""
        assert self._process is not None
        if not self._is_read:
            self._is_read = True
            self.end.feed(self._take, self._process)
        while not self._received:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._received[0] is None:
            return b""
        return self._received.popleft() or b""

    def _take(self, item: bytes | None) -> None:
        self._received.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def fileno(self) -> int:
        _DESCRIPTORS[id(self.end)] = self.end
        return id(self.end)

    def close(self) -> None:
        process, self._process = self._process, None  # type: ignore[assignment]
        if process is not None:
            self.end.release(process)


def end_of(descriptor: int) -> End:
    """The end that a descriptor stands for."""
    return _DESCRIPTORS.pop(descriptor)


def socketpair(*_: Any) -> tuple[SimulatedSocket, SimulatedSocket]:
    """`socket.socketpair`."""
    one, other = End(), End()
    one.peer, other.peer = other, one
    return SimulatedSocket(one), SimulatedSocket(other)


def send_fds(control: SimulatedSocket, buffers: Any, descriptors: list[int]) -> int:
    """`socket.send_fds`: the message holds the ends until it has arrived."""
    if control.end.peer.is_closed:
        raise BrokenPipeError(32, "Broken pipe")
    ends = [end_of(one) for one in descriptors]
    for end in ends:
        end.hold(_IN_FLIGHT)
    control.end.peer.put(ends)
    return 1


class _InFlight(Process):
    def __init__(self) -> None:
        return


_IN_FLIGHT = _InFlight()


def landed(end: End) -> None:
    """The message that held an end has arrived."""
    end.release(_IN_FLIGHT)


NAMES = {"socketpair": socketpair, "send_fds": send_fds}
"""What replaces names of `socket`."""
assert all(hasattr(socket, name) for name in NAMES)
