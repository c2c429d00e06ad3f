"""Which stream the server has, and up to where its readers have handled it.

A sequence number means something only together with the stream that gave it: after a restart the
server may have another disk, a stream or a consumer may be new. The identity of a stream changes
with each of these, so that a publisher can tell which of its messages may be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2s

from headrace_contracts.messages.subjects import STREAMS, Stream, Subscription
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, RetentionPolicy
from nats.js.errors import NotFoundError

from headrace_runtime.bus.connection import Bus, StreamIdentity
from headrace_runtime.bus.provision import keep_until_acknowledged, provision_streams


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The state of one stream, as its readers have left it."""

    stream: str
    identity: StreamIdentity
    handled: int
    """Every reader has acknowledged all messages up to this sequence number."""


async def read_positions(bus: Bus, readers: Sequence[Subscription]) -> list[StreamPosition]:
    """The positions of the streams that `readers` read; empty if the server changed meanwhile.
    Creates streams that are missing.

    Raises:
        nats.errors.Error, nats.js.errors.Error, TimeoutError: JetStream is unavailable.
    """
    server = bus.server
    found = []
    for stream in STREAMS:
        of_stream = [one for one in readers if one.stream == stream.name]
        if of_stream:
            found.append(await _position(bus.js, server, stream, of_stream))
    if server != bus.server:
        return []
    bus.identities.update({position.stream: position.identity for position in found})
    return found


async def _position(
    js: JetStreamContext, server: str, stream: Stream, readers: Sequence[Subscription]
) -> StreamPosition:
    try:
        info = await js.stream_info(stream.name)
    except NotFoundError:
        await provision_streams(js)
        info = await js.stream_info(stream.name)
    # The consumers are read after the stream: what they have left then is newer than `last`.
    last = info.state.last_seq
    consumers = [await _consumer(js, one) for one in readers]
    present = [one for one in consumers if one is not None]
    if len(present) < len(readers):
        handled = 0
    else:
        handled = min(_acknowledged(one, last) for one in present)
        if info.config.retention != RetentionPolicy.INTEREST:
            await keep_until_acknowledged(js, stream)
    generation = _digest(*(f"{one.name} {one.created}" for one in present))
    return StreamPosition(
        stream.name,
        StreamIdentity(_digest(server, str(info.created), generation), generation),
        handled,
    )


async def _consumer(js: JetStreamContext, subscription: Subscription) -> ConsumerInfo | None:
    try:
        info: ConsumerInfo = await js.consumer_info(subscription.stream, subscription.durable)
    except NotFoundError:
        return None
    return info


def _acknowledged(consumer: ConsumerInfo, last: int) -> int:
    """The sequence number up to which a consumer has acknowledged everything that it reads. Its own
    floor stays behind where the stream ends with messages that it does not read."""
    if not consumer.num_pending and not consumer.num_ack_pending:
        return last
    return consumer.ack_floor.stream_seq if consumer.ack_floor else 0


def _digest(*parts: str) -> str:
    return blake2s("\n".join(parts).encode(), digest_size=8).hexdigest()
