"""Every error of the object store and of its client has exactly one kind."""

from __future__ import annotations

import inspect

import aiohttp
import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError
from headrace_runtime.faults import objects
from headrace_runtime.faults.kinds import Kind

UNAVAILABLE = {
    *("CapacityNotAvailableError", "ChecksumError", "ConnectTimeoutError", "ConnectionClosedError"),
    *("ConnectionError", "CredentialRetrievalError", "EndpointConnectionError", "EventStreamError"),
    *("FlexibleChecksumError", "HTTPClientError", "IncompleteReadError", "MetadataRetrievalError"),
    *("NoAuthTokenError", "NoCredentialsError", "PartialCredentialsError", "ProxyConnectionError"),
    *("ReadTimeoutError", "ResponseStreamingError", "SSLError", "TokenRetrievalError"),
    *("UnauthorizedSSOTokenError", "ClientError"),
}
NOT_STORABLE = {
    *("AliasConflictParameterError", "InvalidHostLabelError", "InvalidRegionError"),
    *("MissingParametersError", "ParamValidationError", "RangeError", "UnknownKeyError"),
    *("UnknownParameterError", "ValidationError"),
}
"""All other classes of botocore are defects of the code or of the configuration."""


def error_classes() -> list[type[Exception]]:
    return sorted(
        {
            one
            for _, one in inspect.getmembers(exceptions, inspect.isclass)
            if issubclass(one, Exception)
            and not issubclass(one, Warning)
            and one.__module__ == exceptions.__name__
        },
        key=lambda one: one.__name__,
    )


def made(error: type[Exception]) -> Exception:
    found = error.__new__(error)
    if isinstance(found, exceptions.ClientError):
        found.response = {}
    return found


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_of_the_client_has_one_kind(error: type[Exception]) -> None:
    name = error.__name__
    expected = Kind.UNAVAILABLE if name in UNAVAILABLE else Kind.DEFECT
    expected = Kind.NOT_STORABLE if name in NOT_STORABLE else expected
    assert objects.kind_of(made(error)) is expected


def test_the_lists_name_classes_of_the_client() -> None:
    assert {one.__name__ for one in error_classes()} >= UNAVAILABLE | NOT_STORABLE


def response(status: int, code: str = "Some") -> exceptions.ClientError:
    body = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return exceptions.ClientError(body, "GetObject")


STATUSES = {
    **dict.fromkeys((400, 411, 413, 414, 415, 422, 431), Kind.NOT_STORABLE),
    **dict.fromkeys((405, 406, 410, 412, 416), Kind.DEFECT),
}


@pytest.mark.parametrize("status", [s for s in range(300, 600) if s != 404])
def test_every_status_has_one_kind(status: int) -> None:
    assert objects.kind_of(response(status)) is STATUSES.get(status, Kind.UNAVAILABLE)
    assert not objects.is_missing(response(status))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (response(403, "AccessDenied"), Kind.UNAVAILABLE),
        (response(403, "InvalidAccessKeyId"), Kind.UNAVAILABLE),
        (response(507, "InsufficientStorage"), Kind.UNAVAILABLE),
        (response(503, "SlowDown"), Kind.UNAVAILABLE),
        (response(400, "RequestTimeout"), Kind.UNAVAILABLE),
        (response(400, "ExpiredToken"), Kind.UNAVAILABLE),
        (response(404, "NoSuchBucket"), Kind.UNAVAILABLE),
        (response(400, "KeyTooLongError"), Kind.NOT_STORABLE),
        (response(0), Kind.UNAVAILABLE),
        (ResponseParserError("not XML"), Kind.UNAVAILABLE),
        (aiohttp.ClientPayloadError(), Kind.UNAVAILABLE),
        (ConnectionResetError(), Kind.UNAVAILABLE),
        (OSError(24, "Too many open files"), Kind.UNAVAILABLE),
        (TimeoutError(), Kind.UNAVAILABLE),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), Kind.NOT_STORABLE),
        (ValueError("a bug"), Kind.DEFECT),
    ],
    ids=repr,
)
def test_single_errors(error: Exception, kind: Kind) -> None:
    assert objects.kind_of(error) is kind


def test_an_object_that_is_missing_is_told_from_a_bucket_that_is() -> None:
    assert objects.is_missing(response(404, "NoSuchKey"))
    assert objects.is_missing(response(404, "404")), "the answer to HEAD has no body"
    assert not objects.is_missing(response(404, "NoSuchBucket"))
    assert not objects.is_missing(ValueError())
