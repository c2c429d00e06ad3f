"""Streams and consumers as the contracts define them, created or updated when a service starts.

A service provisions what it consumes and what its outbox publishes to. The calls are idempotent
and all services share the definitions, so the order does not matter, and a bus that lost its disk
is provisioned again.
"""

from __future__ import annotations

from headrace_contracts.messages.subjects import STREAMS, Stream, Subscription
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

_DUPLICATE_WINDOW_SECONDS = 600
ACK_WAIT_SECONDS = 5
"""After this time without an acknowledgement or a progress report a message is redelivered: the
time for which the messages of a dead consumer are unavailable to its successor."""
MAX_ACK_PENDING = 1024


async def provision_streams(js: JetStreamContext) -> None:
    """Create the streams, or update those that differ from the contracts.

    A new stream keeps every message. `keep_until_acknowledged` ends that once all its readers have
    their consumers, since JetStream counts only those that exist.
    """
    for stream in STREAMS:
        try:
            found = (await js.stream_info(stream.name)).config
        except NotFoundError:
            await js.add_stream(_config(stream, RetentionPolicy.LIMITS))
            continue
        wanted = _config(stream, found.retention or RetentionPolicy.LIMITS)
        fields = ("subjects", "max_age", "max_bytes", "discard", "duplicate_window")
        if any(getattr(found, field) != getattr(wanted, field) for field in fields):
            await js.update_stream(wanted)


async def keep_until_acknowledged(js: JetStreamContext, stream: Stream) -> None:
    """Let the server delete each message that all consumers of the stream have acknowledged."""
    await js.update_stream(_config(stream, RetentionPolicy.INTEREST))


def _config(stream: Stream, retention: RetentionPolicy) -> StreamConfig:
    until_acknowledged = stream.max_age_hours is None
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=retention,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW if until_acknowledged else DiscardPolicy.OLD,
        max_age=(stream.max_age_hours or 0) * 3600,
        max_bytes=stream.max_bytes,
        duplicate_window=_DUPLICATE_WINDOW_SECONDS,
    )


async def provision_consumer(js: JetStreamContext, subscription: Subscription) -> None:
    """Create the durable consumer. It redelivers without limit: the service decides when to stop,
    because a message that the server stops delivering is lost silently."""
    filters = list(subscription.filters)
    await js.add_consumer(
        subscription.stream,
        ConsumerConfig(
            durable_name=subscription.durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=MAX_ACK_PENDING,
            max_deliver=-1,
            filter_subject=filters[0] if len(filters) == 1 else None,
            filter_subjects=filters if len(filters) > 1 else None,
        ),
    )
