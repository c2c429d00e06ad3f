"""Pulls messages with one outstanding request at a time and passes them on as they arrive.

The client library's own fetch waits for a full batch or its timeout, sends two requests when the
queue is empty, and does not notice a server restart before its timeout. Here a request stays open
for long, and missing heartbeats or a reconnection open a new one.
Source: the JetStream wire API, ``$JS.API.CONSUMER.MSG.NEXT``, and its status headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import TracebackType

import nats.errors
from headrace_contracts.messages.subjects import Subscription
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as ClientSubscription
from nats.js.errors import Error as JetStreamError

from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import (
    ACK_WAIT_SECONDS,
    provision_consumer,
    provision_streams,
)
from headrace_runtime.logging import get_logger

BATCH = 256
_EXPIRES_SECONDS = 30.0
_HEARTBEAT_SECONDS = 2.0
_MISSED_HEARTBEATS = 2
_PROVISION_PAUSE_SECONDS = 0.5
_PROGRESS_SECONDS = ACK_WAIT_SECONDS / 2.5


class PullQueue:
    """The messages of one durable consumer, as an async context manager."""

    def __init__(
        self,
        bus: Bus,
        subscription: Subscription,
        linger_seconds: float = 0.0,
        urgent: str | None = None,
    ) -> None:
        """`linger_seconds`: how long a batch that is not full waits for more messages; a message
        whose subject begins with `urgent` ends the wait."""
        self._bus = bus
        self._subscription = subscription
        self._linger_seconds = linger_seconds
        self._urgent = urgent
        self._urgent_arrived = asyncio.Event()
        self._messages: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._unacknowledged: dict[str, Msg] = {}
        self._reporting: asyncio.Task[None] | None = None
        self._outstanding = 0
        self._needs_provisioning = False
        self._inbox = bus.client.new_inbox()
        self._inbox_subscription: ClientSubscription | None = None
        self._log = get_logger()
        bus.when_reconnected(self._on_reconnected)

    async def __aenter__(self) -> PullQueue:
        self._inbox_subscription = await self._bus.client.subscribe(
            self._inbox, cb=self._on_message
        )
        self._reporting = asyncio.create_task(self._report_progress())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
        if self._inbox_subscription is not None and self._bus.client.is_connected:
            await self._inbox_subscription.unsubscribe()

    async def next_batch(self) -> list[Msg]:
        """Wait for messages, then return all that have arrived, at most `BATCH`."""
        batch: list[Msg] = []
        while not batch:
            if self._messages.empty() and self._outstanding <= 0:
                await self._provision_again()
                await self._request()
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS * _MISSED_HEARTBEATS):
                    first = await self._messages.get()
            except TimeoutError:
                self._request_ended()  # no heartbeat either: the server has lost the request
                continue
            self._accept(first, batch)
            if batch and self._linger_seconds:
                await self._linger()
            while len(batch) < BATCH and not self._messages.empty():
                self._accept(self._messages.get_nowait(), batch)
        return batch

    async def _linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                await self._urgent_arrived.wait()
        self._urgent_arrived.clear()

    def release(self, message: Msg) -> None:
        """Stop reporting progress on a message, after it was acknowledged."""
        self._unacknowledged.pop(message.reply, None)

    async def _report_progress(self) -> None:
        """Report progress on slow messages, so that the server does not redeliver them."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            for reply in before & self._unacknowledged.keys():
                try:
                    await self._unacknowledged[reply].in_progress()
                except (nats.errors.Error, KeyError, OSError):
                    continue  # just acknowledged; if not, a redelivery does no harm
            before = set(self._unacknowledged)

    def _accept(self, message: Msg | None, batch: list[Msg]) -> None:
        if message is None:
            self._request_ended()
            return
        status = (message.headers or {}).get("Status") if not message.data else None
        if status is None:
            self._outstanding -= 1
            batch.append(message)
        elif status != "100":  # 100 is a heartbeat
            if status not in ("404", "408"):
                described = (message.headers or {}).get("Description", "")
                self._log.warning("pull_ended", status=status, description=described)
                self._needs_provisioning = True
            self._outstanding = 0

    async def _provision_again(self) -> None:
        """Provision the bus again after a request failed: the server may have lost its disk."""
        if not self._needs_provisioning:
            return
        await asyncio.sleep(_PROVISION_PAUSE_SECONDS)
        try:
            await provision_streams(self._bus.js)
            await provision_consumer(self._bus.js, self._subscription)
            self._needs_provisioning = False
        except (nats.errors.Error, JetStreamError, TimeoutError) as error:
            self._log.warning("provisioning_postponed", error=repr(error))

    def _request_ended(self) -> None:
        self._outstanding = 0

    def _on_reconnected(self) -> None:
        self._messages.put_nowait(None)  # ends the wait: the old request gets no more messages

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            self._unacknowledged[message.reply] = message
            if self._urgent is not None and message.subject.startswith(self._urgent):
                self._urgent_arrived.set()
        self._messages.put_nowait(message)

    async def _request(self) -> None:
        stream, durable = self._subscription.stream, self._subscription.durable
        request = {
            "batch": BATCH,
            "expires": int(_EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(_HEARTBEAT_SECONDS * 1e9),
        }
        try:
            await self._bus.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
                json.dumps(request).encode(),
                reply=self._inbox,
            )
            self._outstanding = BATCH
        except (nats.errors.Error, OSError) as error:
            self._log.warning("pull_failed", error=repr(error))
            await asyncio.sleep(0.2)
