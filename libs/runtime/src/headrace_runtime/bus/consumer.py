"""Consuming a subscription: an infinite loop around one pass over a batch.

Invariant: a message is acknowledged after its effect is committed, goes to the dead letters with a
reason when it can never be handled, and is otherwise redelivered later. It never blocks the
messages behind it.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import nats.errors
import structlog
from headrace_contracts.messages import cloudevents
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.subjects import Subscription, dead_letter
from nats.aio.msg import Msg
from pydantic import TypeAdapter, ValidationError

from headrace_runtime.bus.connection import Bus
from headrace_runtime.bus.provision import provision_consumer, provision_streams
from headrace_runtime.bus.pull import PullQueue
from headrace_runtime.errors import (
    NotStorableError,
    PoisonError,
    RetryableError,
    TooEarlyError,
)
from headrace_runtime.faults.bus import translating
from headrace_runtime.logging import get_logger
from headrace_runtime.loops import until_available
from headrace_runtime.metrics import HANDLING, MESSAGES
from headrace_runtime.objects import ObjectMissingError, ObjectStore

M = TypeVar("M")

_MAX_FAILED_DELIVERIES = 8
"""After so many deliveries that failed unexpectedly, a message becomes a dead letter."""
_MAX_EARLY_DELIVERIES = 24
"""After so many deliveries (about five minutes) a message whose subject is still unknown becomes a
dead letter."""
_LONGEST_DELAY_SECONDS = 30.0
_LONGEST_UNAVAILABLE_SECONDS = 5.0
"""How long after a store is back its messages are handled."""
_REMEMBERED_FAILURES = 10_000
"""More than the bus delivers without an acknowledgement."""
_LARGEST_BODY = 64 * 1024 * 1024
"""Bytes. A package of 32 MiB takes up to twice as many as a JSON string. A program can refer to any
object as the body of its message."""


@dataclass(frozen=True, slots=True)
class Received(Generic[M]):
    """A parsed message: its CloudEvents attributes and its typed content."""

    attributes: Attributes
    message: M
    position: str = ""
    """Where the stream has it: the same in every delivery, and another one for a message that was
    published again with the same id."""

    @property
    def id(self) -> str:
        """The CloudEvents id, the same in every delivery."""
        return self.attributes.id


Handle = Callable[[list[Received[M]]], Awaitable[None]]
OnUnreadable = Callable[[Attributes, str], Awaitable[None]]


class Consumer(Generic[M]):
    """Reads one subscription for one service."""

    def __init__(
        self,
        bus: Bus,
        objects: ObjectStore | None,
        subscription: Subscription,
        adapter: TypeAdapter[M],
        handle: Handle[M],
        *,
        service: str,
        on_unreadable: OnUnreadable | None = None,
        linger_seconds: float = 0.0,
        urgent: str | None = None,
    ) -> None:
        """`on_unreadable` is called with each message that cannot be parsed, before it becomes a
        dead letter. A batch that is not full waits `linger_seconds` for more messages, which makes
        transactions fewer and larger where latency does not matter; a message whose subject begins
        with `urgent` ends the wait."""
        self._bus = bus
        self._objects = objects
        self._subscription = subscription
        self._adapter = adapter
        self._handle = handle
        self._service = service
        self._on_unreadable = on_unreadable
        self._linger_seconds = linger_seconds
        self._urgent = urgent
        self._failures = Failures()
        self._log = get_logger()
        self.is_provisioned = False
        """Whether the bus has the durable consumer: false while it is not ready for that."""

    async def run(self) -> None:
        """Consume until cancelled."""
        await until_available(self._provision, "provisioning_postponed")
        self.is_provisioned = True
        async with PullQueue(
            self._bus, self._subscription, self._linger_seconds, self._urgent
        ) as queue:
            while True:
                batch = await queue.next_batch()
                await self.process(batch)
                for raw in batch:
                    queue.release(raw)

    async def _provision(self) -> None:
        with translating():
            await provision_streams(self._bus.js)
            await provision_consumer(self._bus.js, self._subscription)

    async def process(self, batch: list[Msg]) -> None:
        """One pass: parse, handle, acknowledge. Raises only when cancelled."""
        parsed: list[tuple[Msg, Received[M]]] = []
        for raw in batch:
            received = await self._parse(raw)
            if received is not None:
                parsed.append((raw, received))
        if parsed:
            with HANDLING.labels(self._subscription.durable).time():
                await self._handle_all(parsed)

    async def _parse(self, raw: Msg) -> Received[M] | None:
        attributes = cloudevents.attributes(raw.headers, _sequence_id(raw))
        try:
            body = await self._body(raw, attributes)
            return Received(attributes, self._adapter.validate_json(body), _sequence_id(raw))
        except ValidationError as error:
            if any(detail["type"] == "union_tag_invalid" for detail in error.errors()):
                await self._acknowledge(raw, "ignored")  # a type from a newer publisher
            else:
                await self._dead_letter(raw, attributes, _first_error(error))
        except (PoisonError, ObjectMissingError) as error:
            await self._dead_letter(raw, attributes, str(error))
        except RetryableError as error:
            await self._postpone(raw, error)
        except Exception as error:
            await self._failed(raw, attributes, error)
        return None

    async def _body(self, raw: Msg, attributes: Attributes) -> bytes:
        if attributes.dataref is None:
            return raw.data
        key = self._objects.key(attributes.dataref) if self._objects else None
        if key is None or self._objects is None:
            raise PoisonError(f"dataref {attributes.dataref!r} does not refer to this object store")
        body = await self._objects.get_range(key, 0, _LARGEST_BODY + 1)
        if len(body) > _LARGEST_BODY:
            raise PoisonError(f"the body at {key!r} is larger than {_LARGEST_BODY // 1024**2} MiB")
        return body

    async def _handle_all(self, batch: list[tuple[Msg, Received[M]]]) -> None:
        try:
            await self._handle([received for _, received in batch])
        except Exception as error:
            if isinstance(error, RetryableError) and not isinstance(error, TooEarlyError):
                for raw, _ in batch:
                    await self._postpone(raw, error)
            elif len(batch) > 1:  # find the message that fails
                for entry in batch:
                    await self._handle_all([entry])
            else:
                (raw, received) = batch[0]
                await self._failed(raw, received.attributes, error)
        else:
            for raw, _ in batch:
                await self._acknowledge(raw, "handled")

    async def _failed(self, raw: Msg, attributes: Attributes, error: Exception) -> None:
        """A message that can never be handled becomes a dead letter at once. After any other error
        than an unavailable store it is redelivered a limited number of times before."""
        if isinstance(error, PoisonError | NotStorableError):
            await self._dead_letter(raw, attributes, _described(error))
            return
        limit = _MAX_FAILED_DELIVERIES
        if isinstance(error, TooEarlyError):
            limit = _MAX_EARLY_DELIVERIES
        else:
            with structlog.contextvars.bound_contextvars(message_id=attributes.id):
                self._log.error("message_failed", subject=raw.subject, exc_info=error)
        if self._failures.count(_sequence_id(raw)) >= limit:
            await self._dead_letter(raw, attributes, _described(error))
        else:
            await self._postpone(raw, error)

    async def _dead_letter(self, raw: Msg, attributes: Attributes, reason: str) -> None:
        """Publish a copy with the reason, and only then end the deliveries of the message."""
        self._log.warning("message_dead_lettered", subject=raw.subject, reason=reason)
        headers = {
            **(raw.headers or {}),
            "headrace-reason": " ".join(reason.split())[:1000],
            "headrace-subject": raw.subject,
            cloudevents.MESSAGE_ID: f"dlq-{self._subscription.durable}-{_sequence_id(raw)}",
        }
        try:
            await self._answer_unreadable(attributes, reason)
            with translating():
                await self._bus.js.publish(dead_letter(self._service), raw.data, headers=headers)
                await raw.term()
        except RetryableError as error:
            await self._postpone(raw, error)
            return
        except Exception as error:  # one message must not end the service
            self._log.exception("dead_letter_failed", subject=raw.subject)
            await self._postpone(raw, error)
            return
        self._failures.forget(_sequence_id(raw))
        MESSAGES.labels(self._subscription.durable, "dead_lettered").inc()

    async def _answer_unreadable(self, attributes: Attributes, reason: str) -> None:
        """Have the service answer a message that becomes a dead letter. That the answer cannot be
        given does not keep the message out of the dead letters."""
        if self._on_unreadable is None:
            return
        try:
            await self._on_unreadable(attributes, reason)
        except RetryableError:
            raise
        except Exception:
            self._log.exception("unreadable_not_answered", message_id=attributes.id)

    async def _postpone(self, raw: Msg, error: Exception) -> None:
        is_unavailable = isinstance(error, RetryableError) and not isinstance(error, TooEarlyError)
        longest = _LONGEST_UNAVAILABLE_SECONDS if is_unavailable else _LONGEST_DELAY_SECONDS
        delay = min(longest, 0.1 * 2 ** min(raw.metadata.num_delivered, 10))
        self._log.warning("message_postponed", subject=raw.subject, error=repr(error))
        MESSAGES.labels(self._subscription.durable, "postponed").inc()
        try:
            await raw.nak(delay=delay * random.uniform(0.5, 1.0))  # noqa: S311
        except (nats.errors.Error, OSError):
            self._log.warning("negative_acknowledgement_lost")  # redelivered after the ack wait

    async def _acknowledge(self, raw: Msg, outcome: str) -> None:
        MESSAGES.labels(self._subscription.durable, outcome).inc()
        self._failures.forget(_sequence_id(raw))
        try:
            await raw.ack()
        except (nats.errors.Error, OSError):
            self._log.warning("acknowledgement_lost")  # redelivered; the inbox drops the repeat


class Failures:
    """How often messages failed for a reason of their own. The server counts deliveries, also those
    that ended because a store was unavailable, which say nothing about the message. A restarted
    process counts from the beginning."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def count(self, message: str) -> int:
        """Count one more failure of a message; returns how many there are now."""
        self._counts[message] = self._counts.pop(message, 0) + 1
        if len(self._counts) > _REMEMBERED_FAILURES:
            self._counts.popitem(last=False)
        return self._counts[message]

    def forget(self, message: str) -> None:
        """Forget a message that has ended."""
        self._counts.pop(message, None)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _sequence_id(raw: Msg) -> str:
    """The message's place in the bus. A stream that was lost numbers its messages from 1 again, so
    the time is part of it."""
    metadata = raw.metadata
    return f"{metadata.stream}-{metadata.sequence.stream}-{metadata.timestamp.timestamp():.6f}"


def _first_error(error: ValidationError) -> str:
    detail = error.errors()[0]
    field = ".".join(str(part) for part in detail["loc"])
    return f"{field}: {detail['msg']}" if field else detail["msg"]
