"""Streams and consumers as the contracts define them, created or updated when a service starts.

A service provisions what it consumes and what its outbox publishes to. The calls are idempotent
and all services share the definitions, so the order does not matter, and a bus that lost its disk
is provisioned again.
"""

from __future__ import annotations

from headrace_contracts.messages.subjects import STREAMS, Subscription
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

_MAX_BYTES = 2 * 1024**3
_DUPLICATE_WINDOW_SECONDS = 600
ACK_WAIT_SECONDS = 5
"""After this time without an acknowledgement or a progress report a message is redelivered: the
time for which the messages of a dead consumer are unavailable to its successor."""
MAX_ACK_PENDING = 1024


async def provision_streams(js: JetStreamContext) -> None:
    """Create the streams, or update those that differ from the contracts."""
    for stream in STREAMS:
        config = StreamConfig(
            name=stream.name,
            subjects=list(stream.subjects),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=stream.max_age_hours * 3600,
            max_bytes=_MAX_BYTES,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        )
        try:
            info = await js.stream_info(stream.name)
        except NotFoundError:
            await js.add_stream(config)
            continue
        same = (
            info.config.subjects == config.subjects
            and info.config.max_age == config.max_age
            and info.config.max_bytes == config.max_bytes
        )
        if not same:
            await js.update_stream(config)


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
