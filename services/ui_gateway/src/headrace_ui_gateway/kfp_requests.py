"""What the routes of KFP's API share: how requests are read and pages answered."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.core import kfp


def query(request: Request, name: str) -> str:
    """One of the request's query parameters; empty without it."""
    return request.query_params.get(name, "")


def list_query(request: Request, more: dict[str, Any]) -> dict[str, Any]:
    """What a list asks for: page, namespace, and `more`."""
    order = query(request, "sort_by")
    if order and order not in ("created_at desc", "created_at DESC"):
        raise unsupported(f"sort_by {order!r}; lists are newest first", "sort_by")
    try:
        size = int(query(request, "page_size") or 0)
    except ValueError:
        size = -1
    if size < 0:
        raise RejectedError.because(
            RejectionCode.MALFORMED, "page_size is not a number from 0 up", "page_size"
        )
    token = query(request, "page_token") or None
    return {"namespace": kfp.NAMESPACE, "page_size": size, "page_token": token, **more}


def page_of(name: str, found: list[dict[str, Any]], page: Any) -> dict[str, Any]:
    """A page as KFP answers, without its empty fields."""
    content = {name: found, "total_size": page.total_size, "next_page_token": page.next_page_token}
    return {key: value for key, value in content.items() if value}


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object; nothing is an empty one."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise RejectedError.because(
            RejectionCode.MALFORMED, f"the body is not JSON: {error}"
        ) from None
    if not isinstance(body, dict):
        raise RejectedError.because(RejectionCode.MALFORMED, "the body is not a JSON object")
    return body


def unsupported(what: str, field: str) -> RejectedError:
    """A refusal of what KFP\'s API has and this one has not."""
    return RejectedError.because(
        RejectionCode.UNSUPPORTED_FEATURE, f"{what} is not supported yet", field
    )
