"""Publishing with acknowledgement. After a timeout the outcome is unknown, so every message has an
id and may be sent twice. A body that is too large for a message goes to the object store (claim
check).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError

from headrace_runtime.bus.connection import MAX_MESSAGE_BYTES
from headrace_runtime.errors import RetryableError
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


class Publisher:
    """Sends messages to JetStream, in order, up to 64 at a time."""

    def __init__(self, js: JetStreamContext, objects: ObjectStore | None) -> None:
        self._js = js
        self._objects = objects

    async def publish(self, messages: list[OutgoingMessage]) -> list[UUID]:
        """Send the messages and return the ids that the server acknowledged. Does not raise when
        the bus is unavailable."""
        acknowledged: list[UUID] = []
        for start in range(0, len(messages), _IN_FLIGHT):
            window = messages[start : start + _IN_FLIGHT]
            sent = await asyncio.gather(*(self._send(message) for message in window))
            acknowledged += [m.event_id for m, ok in zip(window, sent, strict=True) if ok]
            if not all(sent):
                break  # the sweeper sends the rest later, in order
        PUBLISHED.inc(len(acknowledged))
        return acknowledged

    async def _send(self, message: OutgoingMessage) -> bool:
        body, headers = message.body, message.headers
        try:
            if len(body) > MAX_MESSAGE_BYTES - _HEADER_ALLOWANCE:
                headers = {**headers, "ce-dataref": await self._store_body(message)}
                body = b""
            await self._js.publish(message.subject, body, headers=headers)
        except (nats.errors.Error, JetStreamError, RetryableError, TimeoutError, OSError) as error:
            get_logger().warning(
                "publication_postponed", subject=message.subject, error=repr(error)
            )
            return False
        return True

    async def _store_body(self, message: OutgoingMessage) -> str:
        if self._objects is None:
            raise RetryableError(
                f"a message of {len(message.body)} bytes needs an object store, which is not open"
            )
        key = f"messages/{message.event_id}.json"
        await self._objects.put(key, message.body)
        return self._objects.uri(key)
