"""Streams and consumers as contracts describe them: created, or brought up to date, at start.

Every service provisions what it reads and writes. The calls are idempotent and the descriptions
are shared, so order does not matter, and a bus that lost its disk heals with the next start.
"""

from __future__ import annotations

from headrace_contracts.subjects import STREAMS, Subscription
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
"""How long what a dead reader held stays away from its successor. A living reader that needs
longer says so."""
MAX_ACK_PENDING = 1024


async def provision_streams(js: JetStreamContext) -> None:
    """Make the streams as contracts have them."""
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
    """Make the durable consumer. It delivers without limit: giving up is the reader's decision,
    because a message that the server gives up on is lost silently."""
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
