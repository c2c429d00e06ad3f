"""The client of NATS in memory, with what the services use of `nats.aio.client.Client`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from datetime import datetime
from itertools import count
from typing import Any

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from tests.support.memory.jetstream import JetStream, matches
from tests.support.memory.wire import Wire, at_end_of_process, later

_NO_SERVER_SECONDS = 0.25
"""Between two tries to connect again."""
Callback = Callable[[Msg], Awaitable[None]]
Change = Callable[[], Awaitable[None]]


class _Socket:
    def setsockopt(self, *_: object) -> None:
        return


class _Transport:
    """The library's transport, as far as options of its socket are set."""

    @property
    def _io_writer(self) -> _Transport:
        return self

    def get_extra_info(self, name: str) -> _Socket:
        return _Socket()


class _Version:
    major, minor = 2, 10


class MemoryNats:
    """The server: what is stored, and its connections.

    The faults of its wire are ``message`` (a connection is lost with what a client sends) and
    ``acknowledgement`` (with the answer to a publication).
    """

    def __init__(self, time: Callable[[], float], now: Callable[[], datetime], wire: Wire) -> None:
        self.streams = JetStream(time, now)
        self.wire = wire
        self.is_down = False
        self.clients: list[MemoryClient] = []
        self.numbers = count(1)
        self.starts = 1

    def stop(self) -> None:
        """Kill the server: every connection is lost."""
        self.is_down = True
        for client in list(self.clients):
            client.disconnect()

    def start(self) -> None:
        """Start it again: what was stored is there."""
        self.is_down = False
        self.starts += 1


class MemorySubscription:
    """A subscription of a client."""

    def __init__(self, client: MemoryClient, subject: str, call: Callback) -> None:
        self.subject = subject
        self.call = call
        self._client = client
        self._messages: asyncio.Queue[Msg] = asyncio.Queue()
        self._task = asyncio.ensure_future(self._run())

    def put(self, message: Msg) -> None:
        """Hand on a message, after those before it."""
        self._messages.put_nowait(message)

    async def unsubscribe(self) -> None:
        self._client.subscriptions.remove(self)
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await self.call(await self._messages.get())


class MemoryClient:
    """A connection that is made again for ever."""

    max_payload = 1024 * 1024
    connected_server_version = _Version()

    def __init__(self, server: MemoryNats) -> None:
        self.subscriptions: list[MemorySubscription] = []
        self.is_connected = False
        self.is_closed = False
        self._server = server
        self._number = next(server.numbers)
        self._inboxes = count(1)
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._sent = self._received = 0.0
        self._options: dict[str, Any] = {}
        self._generation = 0
        self._seen_start = 0
        self._transport = _Transport()
        self._context = Context()

    @property
    def _server_info(self) -> dict[str, str]:
        """What the server says about itself: its id changes with each start."""
        return {"server_id": f"memory-{self._seen_start}"}

    # -- what the library offers --------------------------------------------------------------

    def jetstream(self, **options: Any) -> JetStreamContext:
        return JetStreamContext(self, **options)  # type: ignore[arg-type]

    async def connect(self, url: str, **options: Any) -> None:
        self._options = options
        self._context = copy_context()
        while True:
            await asyncio.sleep(self._server.wire.delay())
            if not self._server.is_down:
                break
            await asyncio.sleep(_NO_SERVER_SECONDS)
        self._open()
        at_end_of_process(self._hang_up)

    async def close(self) -> None:
        self.is_closed = True
        self._hang_up()

    async def flush(self, timeout: float = 10) -> None:  # noqa: ASYNC109 - as in the library
        await asyncio.sleep(self._server.wire.delay())

    def new_inbox(self) -> str:
        return f"{self._options.get('inbox_prefix', '_INBOX')}.{self._number}.{next(self._inboxes)}"

    async def subscribe(self, subject: str, cb: Callback, **_: Any) -> MemorySubscription:
        made = MemorySubscription(self, subject, cb)
        self.subscriptions.append(made)
        return made

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        if self.is_closed:
            raise nats.errors.ConnectionClosedError
        if not self.is_connected:
            return  # it would wait in a buffer, which a service does not rely on
        self._send(subject, payload, reply, headers)

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,  # noqa: ASYNC109 - as in the library
        old_style: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Msg:
        inbox = self.new_inbox()
        answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._answers[inbox] = answer
        try:
            await self.publish(subject, payload, inbox, headers)
            message = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            raise nats.errors.TimeoutError from None
        finally:
            self._answers.pop(inbox, None)
        if message.headers and message.headers.get("Status") == "503":
            raise nats.errors.NoRespondersError
        return message

    # -- the way there ---------------------------------------------------------------------------

    def _send(self, subject: str, data: bytes, reply: str, headers: dict[str, str] | None) -> None:
        """In order, as one connection does. What has been sent arrives although the process has
        ended meanwhile."""
        loop = asyncio.get_running_loop()
        self._sent = max(self._sent, loop.time() + self._server.wire.delay())
        later(
            self._sent - loop.time(),
            self._arrive,
            self._generation,
            subject,
            data,
            reply,
            dict(headers or {}),
        )

    def _arrive(
        self, generation: int, subject: str, data: bytes, reply: str, headers: dict[str, str]
    ) -> None:
        if self._server.is_down:
            return
        if self._server.wire.strikes("message"):
            self.disconnect()
            return
        streams = self._server.streams
        if subject.startswith("$JS.ACK."):
            streams.acknowledge(subject, data)
        elif subject.startswith("$JS.API.CONSUMER.MSG.NEXT."):
            if generation == self._generation and not streams.pull(subject, data, self, reply):
                self.deliver(reply, "", b"", {"Status": "503"})
        elif subject.startswith("$JS.API."):
            self.deliver(reply, "", streams.request(subject, data), {})
        elif streams.is_stored(subject):
            answer = streams.store(subject, data, headers)
            if self._server.wire.strikes("acknowledgement"):
                self.disconnect()
            self.deliver(reply, "", answer, {})
        else:
            if reply:
                self.deliver(reply, "", b"", {"Status": "503"})
            for client in self._server.clients:
                client.deliver_to(None, subject, reply, data, headers)

    # -- the way back ----------------------------------------------------------------------------

    def listens_to(self, subject: str) -> bool:
        """Whether the connection is there, and somebody waits for this subject."""
        return self.is_connected and (
            subject in self._answers or any(one.subject == subject for one in self.subscriptions)
        )

    def deliver(self, subject: str, reply: str, data: bytes, headers: dict[str, str]) -> None:
        """Send a message to who waits for its subject."""
        self.deliver_to(subject, subject, reply, data, headers)

    def deliver_to(
        self, inbox: str | None, subject: str, reply: str, data: bytes, headers: dict[str, str]
    ) -> None:
        """Send a message to an inbox, or to those who subscribe to its subject."""
        if not self.is_connected:
            return
        message = Msg(self, subject, reply, data, dict(headers) or None)  # type: ignore[arg-type]
        loop = asyncio.get_running_loop()
        self._received = max(self._received, loop.time() + self._server.wire.delay())
        later(self._received - loop.time(), self._hand_on, self._generation, inbox, message)

    def _hand_on(self, generation: int, inbox: str | None, message: Msg) -> None:
        if generation != self._generation:
            return
        answer = self._answers.get(inbox or "")
        if answer is not None and not answer.done():
            answer.set_result(message)
        for one in self.subscriptions:
            if one.subject == inbox if inbox else matches(one.subject, message.subject):
                one.put(message)

    # -- the connection ----------------------------------------------------------------------------

    def _open(self) -> None:
        self.is_connected = True
        self._seen_start = self._server.starts
        self._server.clients.append(self)

    def _hang_up(self) -> None:
        self._generation += 1
        self.is_connected = False
        if self in self._server.clients:
            self._server.clients.remove(self)

    def disconnect(self) -> None:
        """Lose the connection, and connect again in the background."""
        if self.is_connected:
            self._hang_up()
            self._reconnecting = later(_NO_SERVER_SECONDS, self._reconnect)
            self._notify("disconnected_cb")

    def _reconnect(self) -> None:
        if self.is_closed:
            return
        if self._server.is_down:
            self._reconnecting = later(_NO_SERVER_SECONDS, self._reconnect)
            return
        self._open()
        self._notify("reconnected_cb")

    def _notify(self, option: str) -> None:
        call = self._options.get(option)
        if call is not None:
            loop = asyncio.get_running_loop()
            self._calling = loop.create_task(call(), context=self._context.copy())
