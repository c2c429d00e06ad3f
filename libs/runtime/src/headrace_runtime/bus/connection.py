"""The connection to NATS: it reconnects forever; when the client library closes it, the service
ends."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

import nats
import nats.errors
from headrace_contracts.messages.bus_rights import inbox
from nats.aio.client import Client

from headrace_runtime.errors import FatalError
from headrace_runtime.logging import get_logger

MAX_MESSAGE_BYTES = 256 * 1024
"""Body and headers together. The server closes a connection that exceeds its own limit."""

_START_SECONDS = 60.0
_ACKNOWLEDGEMENT_SECONDS = 5.0


class Bus:
    """One connection of one service, with its JetStream context."""

    def __init__(self, service: str, on_closed: Callable[[str], None]) -> None:
        self.client = Client()
        self.js = self.client.jetstream(timeout=_ACKNOWLEDGEMENT_SECONDS)
        self._service = service
        self._call_when_closed = on_closed
        self._closing = False
        self._log = get_logger()
        self._reconnected: list[Callable[[], None]] = []

    def when_reconnected(self, call: Callable[[], None]) -> None:
        """Call `call` after each reconnection: pending pull requests do not survive one."""
        self._reconnected.append(call)

    async def connect(self, url: str) -> None:
        """Connect; wait up to a minute for the server.

        Raises:
            FatalError: the server's message limit is below `MAX_MESSAGE_BYTES`.
            nats.errors.Error: the server did not answer within a minute.
        """
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            try:
                await self._connect(url)
                break
            except (nats.errors.Error, OSError, TimeoutError):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)
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
            connect_timeout=5,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # a number of seconds
            ping_interval=15,
            max_outstanding_pings=2,
            inbox_prefix=inbox(self._service),
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
        )

    async def _on_error(self, error: Exception) -> None:
        self._log.warning("bus_error_reported", error=str(error) or type(error).__name__)

    async def _on_disconnected(self) -> None:
        if not self._closing:
            self._log.warning("bus_disconnected")

    async def _on_reconnected(self) -> None:
        self._log.info("bus_reconnected")
        for call in self._reconnected:
            call()

    async def _on_closed(self) -> None:
        if not self._closing:
            self._call_when_closed("the NATS client closed the connection and does not reconnect")
