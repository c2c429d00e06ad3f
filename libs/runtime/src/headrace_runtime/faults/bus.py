"""The kind of each error of the bus: of the connection, and of JetStream.

Source: `nats.errors` and `nats.js.errors`; NATS, "JetStream API error codes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import nats.errors
import nats.js.errors as jetstream

from headrace_runtime.faults.kinds import Kind, translated

STORE = "the bus"

_CLIENT: Mapping[type[BaseException], Kind] = {
    nats.errors.AuthorizationError: Kind.UNAVAILABLE,  # users are set up after the start
    nats.errors.BadHeaderError: Kind.NOT_STORABLE,
    nats.errors.BadSubjectError: Kind.NOT_STORABLE,
    nats.errors.ConnectionClosedError: Kind.UNAVAILABLE,
    nats.errors.ConnectionDrainingError: Kind.UNAVAILABLE,
    nats.errors.ConnectionReconnectingError: Kind.UNAVAILABLE,
    nats.errors.MaxPayloadError: Kind.NOT_STORABLE,
    nats.errors.NoRespondersError: Kind.UNAVAILABLE,
    nats.errors.NoServersError: Kind.UNAVAILABLE,
    nats.errors.OutboundBufferLimitError: Kind.UNAVAILABLE,
    nats.errors.ProtocolError: Kind.UNAVAILABLE,
    nats.errors.SecureConnFailedError: Kind.UNAVAILABLE,
    nats.errors.ServerNotInPoolError: Kind.UNAVAILABLE,
    nats.errors.SlowConsumerError: Kind.UNAVAILABLE,
    nats.errors.StaleConnectionError: Kind.UNAVAILABLE,
    jetstream.APIError: Kind.UNAVAILABLE,  # without JetStream, without space, or in an election
    jetstream.BadRequestError: Kind.DEFECT,
    jetstream.ConsumerSequenceMismatchError: Kind.UNAVAILABLE,
    jetstream.NoStreamResponseError: Kind.UNAVAILABLE,  # the stream is lost: provisioned again
    jetstream.NotFoundError: Kind.UNAVAILABLE,  # the same
    jetstream.TooManyStalledMsgsError: Kind.UNAVAILABLE,
    OSError: Kind.UNAVAILABLE,  # with TimeoutError, of which the client has its own
    MemoryError: Kind.UNAVAILABLE,
    UnicodeEncodeError: Kind.NOT_STORABLE,
}
"""By class; the nearest ancestor counts. All others are defects."""


def kind_of(error: BaseException) -> Kind:
    """The kind of an error of the bus."""
    return next((_CLIENT[one] for one in type(error).__mro__ if one in _CLIENT), Kind.DEFECT)


@contextmanager
def translating() -> Iterator[None]:
    """Raise errors of the bus as what the caller has to do about them."""
    try:
        yield
    except Exception as error:
        translation = translated(kind_of(error), STORE, error)
        if translation is None:
            raise
        raise translation from error
