"""The connection to NATS: it connects and reconnects for as long as it takes, and notices within
about five seconds that the server does not respond. When the client library closes it, the service
ends."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import nats
import nats.errors
from headrace_contracts.messages.bus_rights import inbox
from headrace_contracts.messages.subjects import EVENTS
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import PubAck
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from headrace_runtime.errors import FatalError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import keeping_cancellation

MAX_MESSAGE_BYTES = 256 * 1024
"""Body and headers together. The server closes a connection that exceeds its own limit."""

_ACKNOWLEDGEMENT_SECONDS = 5.0
_PING_SECONDS = 1.5
_UNANSWERED_PINGS = 2
"""The connection is given up when the next ping is due: 4.5 s after the server has stopped."""
_UNSENT_MILLISECONDS = 4500
"""The kernel ends a connection whose data the other side does not take for so long. The client
library would wait for it before it reconnects."""
_FLUSH_SECONDS = 2.0
"""How long a call waits until there is room in the client library's buffer. Without a limit it
would wait for ever when the connection ends meanwhile."""
_CONNECT_SECONDS = 5
_CHECK_SECONDS = 2.0
_RECONNECT_SECONDS = (0.1, 0.4)
"""Each process chooses its own pause, so that they do not all return in the same moment."""
_REPEATED_ERROR_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StreamIdentity:
    """What tells a stream from its successor, as digests."""

    whole: str
    """Changes with the server's process, the stream, and the consumers of its readers."""
    readers: str
    """Changes with the consumers of its readers."""


class _JetStream(JetStreamContext):
    """JetStream, whose every request can be cancelled at any moment."""

    async def publish(self, *args: Any, **options: Any) -> PubAck:
        return await keeping_cancellation(super().publish(*args, **options))

    async def _api_request(self, *args: Any, **options: Any) -> dict[str, Any]:
        return await keeping_cancellation(super()._api_request(*args, **options))


class Bus:
    """One connection of one service, with its JetStream context."""

    def __init__(self, service: str, on_closed: Callable[[str], None]) -> None:
        self.client = Client()
        self.js = _JetStream(self.client, timeout=_ACKNOWLEDGEMENT_SECONDS)
        self._service = service
        self._call_when_closed = on_closed
        self._closing = False
        self._log = get_logger()
        self._reconnected: list[Callable[[], None]] = []
        self._address = ""
        self._last_error = ("", 0.0)
        self.identities: dict[str, StreamIdentity] = {}
        """The identities of the streams, as they were last read."""
        self.refusal: str | None = None
        """Why the server did not take the latest message of the outbox; None if it did."""

    def when_reconnected(self, call: Callable[[], None]) -> None:
        """Call `call` after each reconnection: pending pull requests do not survive one."""
        self._reconnected.append(call)

    @property
    def server(self) -> str:
        """The server's process, which has a new id with each start. A cluster has a name instead:
        its streams are replicated, and survive the restart of a server."""
        info = self.client._server_info  # the library has no public way to read the server's id
        return str(info.get("cluster") or info.get("server_id", ""))

    async def check(self, *, uses_streams: bool) -> None:
        """Raises `RetryableError` if the bus cannot be used, or its streams not."""
        if not self.client.is_connected:
            raise RetryableError("the bus is unavailable", f"no connection to {self._address}")
        if self.refusal is not None:
            raise RetryableError("the bus is unavailable", self.refusal)
        if not uses_streams:
            return
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await self.js.stream_info(EVENTS)
        except NotFoundError:
            return  # its readers create it
        except (nats.errors.Error, JetStreamError, TimeoutError) as error:
            raise RetryableError(
                "the bus is unavailable", f"JetStream does not answer: {error!r}"
            ) from error

    async def connect(self, url: str) -> None:
        """Connect; wait for the server for as long as it takes, and log what is waited for.

        Raises:
            FatalError: the server's message limit is below `MAX_MESSAGE_BYTES`.
        """
        place = urlsplit(url)
        self._address = f"{place.hostname}:{place.port}"
        await keeping_cancellation(self._connect(url))
        self._limit_unsent_data()
        if self.client.max_payload < MAX_MESSAGE_BYTES:
            raise FatalError(
                f"the NATS server's max_payload is {self.client.max_payload} bytes; "
                f"set it to at least {MAX_MESSAGE_BYTES}"
            )

    async def close(self) -> None:
        """Flush buffered messages, then close."""
        self._closing = True
        try:
            if self.client.is_connected:
                await self.client.flush(timeout=1)
        except (nats.errors.Error, TimeoutError):
            self._log.warning("bus_closed_unflushed")
        await self.client.close()

    async def _connect(self, url: str) -> None:
        await self.client.connect(
            url,
            name=f"{self._service}/{socket.gethostname()}/{os.getpid()}",
            connect_timeout=_CONNECT_SECONDS,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=random.uniform(*_RECONNECT_SECONDS),  # type: ignore[arg-type]  # noqa: S311
            flush_timeout=_FLUSH_SECONDS,
            ping_interval=_PING_SECONDS,  # type: ignore[arg-type]  # a number of seconds
            max_outstanding_pings=_UNANSWERED_PINGS,
            inbox_prefix=inbox(self._service),
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
        )

    def _limit_unsent_data(self) -> None:
        writer = self.client._transport._io_writer  # type: ignore[union-attr]
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MILLISECONDS)

    async def _on_error(self, error: Exception) -> None:
        """Log the error, unless it is the same as the one before: while the server is away, each
        attempt to connect reports one. The client library leaves the connection open to a server
        that accepts one and then does not respond."""
        if isinstance(error, TimeoutError) and not self.client.is_connected:
            self.client._transport.close()  # type: ignore[union-attr]
        described = str(error) or type(error).__name__
        before, at = self._last_error
        now = time.monotonic()
        if described == before and now - at < _REPEATED_ERROR_SECONDS:
            return
        self._last_error = (described, now)
        event = "bus_error_reported" if self.client.is_connected else "waiting_for_bus"
        self._log.warning(event, address=self._address, error=described)

    async def _on_disconnected(self) -> None:
        if not self._closing:
            self._log.warning("bus_disconnected")

    async def _on_reconnected(self) -> None:
        self._log.info("bus_reconnected")
        self._limit_unsent_data()
        for call in self._reconnected:
            call()

    async def _on_closed(self) -> None:
        if not self._closing:
            self._call_when_closed("the NATS client closed the connection and does not reconnect")
