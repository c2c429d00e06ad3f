"""JSON responses with entity tags (RFC 9110, section 8.8.3)."""

from __future__ import annotations

from fastapi import Response
from headrace_contracts.base import Contract
from headrace_contracts.etags import contains_tag, etag, if_match_holds

from headrace_ui_gateway.rest.http.errors import modified


def resource_response(
    resource: Contract, if_none_match: str | None = None, status_code: int = 200
) -> Response:
    """A resource, tagged with a digest of it; a 304 if `if_none_match` names that tag."""
    body = resource.model_dump_json().encode()
    return json_response(body, etag(body), if_none_match, status_code)


def json_response(
    body: bytes, tag: str, if_none_match: str | None = None, status_code: int = 200
) -> Response:
    """JSON with a tag; a 304 if `if_none_match` names it."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and contains_tag(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, status_code, media_type="application/json", headers=headers)


def check_if_match(if_match: str | None, resource: Contract) -> None:
    """Check that a resource is the version that the caller read.

    Raises:
        ProblemError: it was modified.
    """
    if not if_match_holds(if_match, resource):
        raise modified()
