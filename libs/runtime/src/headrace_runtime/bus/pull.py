"""One outstanding pull request at a time, and whatever it brings handed on at once.

The client library's own fetch waits for a full batch or its time-out, asks twice when the queue
is empty, and sits out a server restart. Here a request stays open for long, its messages are
handed on as they come, and silence or a reconnection opens a new one.
Source: the JetStream wire API, ``$JS.API.CONSUMER.MSG.NEXT``, and its status headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import TracebackType

import nats.errors
from headrace_contracts.subjects import Subscription
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
_HEARTBEAT_SECONDS = 5.0
_MISSED_HEARTBEATS = 2
_REPAIR_PAUSE_SECONDS = 0.5
_KEEP_SECONDS = ACK_WAIT_SECONDS / 2.5


class PullQueue:
    """The messages of one durable consumer, as an async context manager."""

    def __init__(
        self,
        bus: Bus,
        subscription: Subscription,
        linger_seconds: float = 0.0,
        urgent: str | None = None,
    ) -> None:
        """`linger_seconds`: how long a batch that is not full waits for company; one with a message
        whose subject begins with `urgent` does not."""
        self._bus = bus
        self._subscription = subscription
        self._linger_seconds = linger_seconds
        self._urgent = urgent
        self._hurry = asyncio.Event()
        self._messages: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._held: dict[str, Msg] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._outstanding = 0
        self._broken = False
        self._inbox = bus.client.new_inbox()
        self._listening: ClientSubscription | None = None
        self._log = get_logger()
        bus.when_reconnected(self._reconnected)

    async def __aenter__(self) -> PullQueue:
        self._listening = await self._bus.client.subscribe(self._inbox, cb=self._arrived)
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
        if self._listening is not None and self._bus.client.is_connected:
            await self._listening.unsubscribe()

    async def next_batch(self) -> list[Msg]:
        """Wait for messages; gives all that are here, at most `BATCH`."""
        batch: list[Msg] = []
        while not batch:
            if self._messages.empty() and self._outstanding <= 0:
                await self._repair()
                await self._request()
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS * _MISSED_HEARTBEATS):
                    first = await self._messages.get()
            except TimeoutError:
                self._forget_request()  # not even a heartbeat: the request is gone
                continue
            self._take(first, batch)
            if batch and self._linger_seconds:
                await self._linger()
            while len(batch) < BATCH and not self._messages.empty():
                self._take(self._messages.get_nowait(), batch)
        return batch

    async def _linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                await self._hurry.wait()
        self._hurry.clear()

    def release(self, message: Msg) -> None:
        """The message was answered: the server need not be told of it any more."""
        self._held.pop(message.reply, None)

    async def _keep(self) -> None:
        """Tell the server of messages that are held for long, so that it does not take their
        reader for dead."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            for reply in before & self._held.keys():
                try:
                    await self._held[reply].in_progress()
                except (nats.errors.Error, KeyError, OSError):
                    continue  # answered just now, or delivered once more: a repeat does no harm
            before = set(self._held)

    def _take(self, message: Msg | None, batch: list[Msg]) -> None:
        if message is None:
            self._forget_request()
            return
        status = (message.headers or {}).get("Status") if not message.data else None
        if status is None:
            self._outstanding -= 1
            batch.append(message)
        elif status != "100":  # a heartbeat says only that the request is alive
            if status not in ("404", "408"):
                described = (message.headers or {}).get("Description", "")
                self._log.warning("pull_ended", status=status, description=described)
                self._broken = True
            self._outstanding = 0

    async def _repair(self) -> None:
        """Provision again when the server does not know the consumer: it may have lost its disk."""
        if not self._broken:
            return
        await asyncio.sleep(_REPAIR_PAUSE_SECONDS)
        try:
            await provision_streams(self._bus.js)
            await provision_consumer(self._bus.js, self._subscription)
            self._broken = False
        except (nats.errors.Error, JetStreamError, TimeoutError) as error:
            self._log.warning("provisioning_postponed", error=repr(error))

    def _forget_request(self) -> None:
        self._outstanding = 0

    def _reconnected(self) -> None:
        self._messages.put_nowait(None)  # wakes who waits: nothing else comes for the old request

    async def _arrived(self, message: Msg) -> None:
        if message.reply:
            self._held[message.reply] = message
            if self._urgent is not None and message.subject.startswith(self._urgent):
                self._hurry.set()
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
