"""The kind of each error of the object store: of botocore and aiohttp, and of HTTP.

botocore is imported on use: it takes 30 MB, which a service that rarely needs it should not spend.
Source: `botocore.exceptions`; Amazon S3, "Error responses".
"""

from __future__ import annotations

from typing import Any

from headrace_runtime.faults.kinds import Kind

STORE = "the object store"

_UNAVAILABLE_ERRORS = frozenset(
    {
        "CapacityNotAvailableError",
        "ClientError",  # of aiohttp, below botocore; its own is a response
        "ConnectionError",
        "CredentialRetrievalError",
        "EndpointConnectionError",
        "FlexibleChecksumError",  # of a response
        "HTTPClientError",
        "IncompleteReadError",
        "ChecksumError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
        "MetadataRetrievalError",
        "ResponseParserError",  # an answer that is not of S3: a proxy, or a store that starts
    }
)
_NOT_STORABLE_ERRORS = frozenset(
    {"InvalidHostLabelError", "ParamValidationError", "MissingParametersError", "ValidationError"}
)
"""Names of classes; the nearest ancestor in either list counts. All others are defects, such as
those of the configuration."""

_NOT_STORABLE_STATUSES = frozenset({400, 411, 413, 414, 415, 422, 431})
_DEFECT_STATUSES = frozenset({405, 406, 410, 412, 416})
"""All other statuses are UNAVAILABLE: the store refuses us (401, 403), is busy (409, 429), or
fails (5xx); a redirect leads to another place than the configured one."""
_UNAVAILABLE_CODES = frozenset(
    {"RequestTimeout", "ExpiredToken", "InvalidToken", "NoSuchBucket", "IncompleteBody"}
)
"""Codes that say more than their status (400, or 404 for the bucket)."""


def kind_of(error: BaseException) -> Kind:
    """The kind of an error of a request. A missing object is none: see `is_missing`."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _kind_of_response(error.response)
    for ancestor in type(error).__mro__:
        if ancestor.__module__.partition(".")[0] in ("botocore", "aiohttp"):
            if ancestor.__name__ in _UNAVAILABLE_ERRORS:
                return Kind.UNAVAILABLE
            if ancestor.__name__ in _NOT_STORABLE_ERRORS:
                return Kind.NOT_STORABLE
    if isinstance(error, OSError | MemoryError):
        return Kind.UNAVAILABLE
    return Kind.NOT_STORABLE if isinstance(error, UnicodeEncodeError) else Kind.DEFECT


def is_missing(error: BaseException) -> bool:
    """Whether there is no object with this key. A store without its bucket is unavailable."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and _status(response) == 404 and not _is_ours(response)


def is_past_end(error: BaseException) -> bool:
    """Whether the requested range begins after the end of the object."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and _status(response) == 416


def _kind_of_response(response: Any) -> Kind:
    status = _status(response)
    if _is_ours(response):
        return Kind.UNAVAILABLE
    if status in _NOT_STORABLE_STATUSES:
        return Kind.NOT_STORABLE
    return Kind.DEFECT if status in _DEFECT_STATUSES else Kind.UNAVAILABLE


def _status(response: Any) -> int:
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_ours(response: Any) -> bool:
    return response.get("Error", {}).get("Code") in _UNAVAILABLE_CODES
