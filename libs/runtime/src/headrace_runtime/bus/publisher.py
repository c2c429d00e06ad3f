"""Publishing with acknowledgement. After a timeout the outcome is unknown, so every message has an
id and may be sent twice. A body that is too large for a message goes to the object store (claim
check).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import nats.errors
from headrace_contracts.messages import cloudevents
from headrace_contracts.messages.subjects import stream_of
from nats.js.errors import Error as JetStreamError

from headrace_runtime.bus.connection import MAX_MESSAGE_BYTES, Bus
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.logging import get_logger
from headrace_runtime.metrics import PUBLISHED
from headrace_runtime.objects import ObjectStore

_HEADER_ALLOWANCE = 16 * 1024
_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to publish: subject, CloudEvents headers, JSON body."""

    event_id: UUID
    subject: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """What the server acknowledged: a message, and its place in a stream."""

    event_id: UUID
    stream: str
    sequence: int
    identity: str | None
    """Of the stream, as it was last read before the message was sent."""


class Publisher:
    """Sends messages to JetStream, in order, up to 64 at a time."""

    def __init__(self, bus: Bus, objects: ObjectStore | None) -> None:
        self._bus = bus
        self._objects = objects

    async def publish(self, messages: Sequence[OutgoingMessage]) -> list[Published]:
        """Send the messages and return those that the server acknowledged. Does not raise when the
        bus is unavailable."""
        acknowledged: list[Published] = []
        for start in range(0, len(messages), _IN_FLIGHT):
            if not self._bus.client.is_connected:
                break  # the sweeper sends the rest later, in order
            window = messages[start : start + _IN_FLIGHT]
            sent = await asyncio.gather(*(self._send(message) for message in window))
            acknowledged += [one for one in sent if one is not None]
            if None in sent:
                break
        PUBLISHED.inc(len(acknowledged))
        return acknowledged

    async def _send(self, message: OutgoingMessage) -> Published | None:
        body, headers = message.body, dict(message.headers)
        stream = stream_of(message.subject)
        identity = self._bus.identities.get(stream)
        if identity is not None:
            # A reader whose consumer is new needs the message again, although the stream had it.
            headers[cloudevents.MESSAGE_ID] = f"{message.event_id}.{identity.readers}"
        try:
            if len(body) > MAX_MESSAGE_BYTES - _HEADER_ALLOWANCE:
                headers["ce-dataref"] = await self._store_body(message)
                body = b""
        except (RetryableError, NotStorableError, OSError) as error:
            _log_postponed(message, error)
            return None
        try:
            place = await self._bus.js.publish(message.subject, body, headers=headers)
        except (nats.errors.Error, JetStreamError, TimeoutError, OSError) as error:
            self._bus.refusal = f"the stream {stream} does not take messages: {error!r}"
            _log_postponed(message, error)
            return None
        self._bus.refusal = None
        return Published(
            message.event_id, place.stream, place.seq, identity.whole if identity else None
        )

    async def _store_body(self, message: OutgoingMessage) -> str:
        if self._objects is None:
            raise RetryableError(
                f"a message of {len(message.body)} bytes needs an object store, which is not open"
            )
        key = f"messages/{message.event_id}.json"
        await self._objects.put(key, message.body)
        return self._objects.uri(key)


def _log_postponed(message: OutgoingMessage, error: Exception) -> None:
    get_logger().warning("publication_postponed", subject=message.subject, error=repr(error))
