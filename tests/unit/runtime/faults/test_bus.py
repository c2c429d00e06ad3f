"""Every error of the bus and of its client has exactly one kind."""

from __future__ import annotations

import inspect

import nats.errors
import nats.js.errors
import pytest
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.faults import bus
from headrace_runtime.faults.kinds import Kind

UNAVAILABLE = {
    "nats.errors": {
        *("AuthorizationError", "ConnectionClosedError", "ConnectionDrainingError"),
        *("ConnectionReconnectingError", "DrainTimeoutError", "FlushTimeoutError"),
        *("NoRespondersError", "NoServersError", "OutboundBufferLimitError", "ProtocolError"),
        *("SecureConnFailedError", "ServerNotInPoolError", "SlowConsumerError"),
        *("StaleConnectionError", "TimeoutError", "UnexpectedEOF"),
    },
    "nats.js.errors": {
        *(
            "APIError",
            "ConsumerSequenceMismatchError",
            "FetchTimeoutError",
            "NoStreamResponseError",
        ),
        *("NotFoundError", "ServerError", "ServiceUnavailableError", "TooManyStalledMsgsError"),
        # of key-value and object stores, which nothing here uses
        *("BadBucketError", "BucketNotFoundError", "KeyDeletedError", "KeyHistoryTooLargeError"),
        *("KeyNotFoundError", "KeyValueError", "NoKeysError", "ObjectDeletedError"),
        "ObjectNotFoundError",
    },
}
NOT_STORABLE = {"BadHeaderError", "BadSubjectError", "MaxPayloadError"}


def error_classes() -> list[type[Exception]]:
    return sorted(
        {
            one
            for module in (nats.errors, nats.js.errors)
            for _, one in inspect.getmembers(module, inspect.isclass)
            if issubclass(one, Exception) and one.__module__ == module.__name__
        },
        key=lambda one: (one.__module__, one.__name__),
    )


@pytest.mark.parametrize("error", error_classes(), ids=lambda e: f"{e.__module__}.{e.__name__}")
def test_every_error_of_the_client_has_one_kind(error: type[Exception]) -> None:
    expected = Kind.DEFECT
    if error.__name__ in UNAVAILABLE[error.__module__]:
        expected = Kind.UNAVAILABLE
    elif error.__name__ in NOT_STORABLE:
        expected = Kind.NOT_STORABLE
    assert bus.kind_of(error.__new__(error)) is expected


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (nats.errors.TimeoutError(), RetryableError),
        (nats.js.errors.ServiceUnavailableError(), RetryableError),
        (nats.js.errors.APIError(code=503, err_code=10077, description="no space"), RetryableError),
        (nats.errors.MaxPayloadError(), NotStorableError),
        (ConnectionResetError(), RetryableError),
        (nats.js.errors.BadRequestError(code=400), nats.js.errors.BadRequestError),
        (ValueError("a bug"), ValueError),
    ],
    ids=repr,
)
def test_what_a_caller_gets(error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised), bus.translating():
        raise error
