"""What the routes of ``/api/v1`` share: how a request is read, and how a resource is answered.

Every refusal is a problem (RFC 9457) that names the field at fault. What a route does not know is
refused rather than ignored: a mistyped query parameter would else be an answer to another question.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from headrace_contracts.base import Contract
from headrace_contracts.etags import etag, names, unchanged
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable
from headrace_runtime.errors import RejectedError
from headrace_runtime.http import problem
from headrace_runtime.lists.filters import Operation, Predicate, filter_text, parse_filter
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.types import Receive, Scope, Send

from headrace_ui_gateway.rest.http.json_types import converted

PREFIX = "/api/v1"
MAX_PAGE_SIZE = 200
LARGEST_NUMBER = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact."""
MAX_JSON_BYTES = 40 * 1024 * 1024
"""A package of 32 MiB may stand in a run's request as a text, where JSON writes some characters
as two."""

M = TypeVar("M", bound=Contract)


class ProblemError(Exception):
    """A refusal that the HTTP side alone knows of."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.field = status, code, detail, field


class JsonBody(Generic[M]):
    """A dependency: the body as a model, read strictly, for a text that should be a number is a
    mistake."""

    def __init__(self, model: type[M]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> M:
        """Read it.

        Raises:
            ProblemError: it is of another type than JSON, or too large.
            RejectedError: it is not of the model's shape.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not (
            kind[:12] == "application/" and kind[-5:] == "+json"
        ):
            raise unsupported_type(kind, "application/json")
        content = b"".join([chunk async for chunk in limited(request, MAX_JSON_BYTES)])
        return read(self.model, content)


def read(model: type[M], content: bytes) -> M:
    """A model from JSON.

    Raises:
        RejectedError: it is not of the model's shape.
    """
    try:
        decoded = from_json(content)
    except ValueError as error:
        raise malformed(f"the body is not JSON: {error}") from None
    if (found := unstorable(decoded)) is not None:
        place = ".".join(map(str, found[0])) or None
        raise malformed(f"{place or 'the body'} {found[1]}", place)
    try:
        made = model.model_validate_json(content)
    except ValidationError as error:
        raise _of_validation(error.errors(include_url=False), 0) from None
    # Not by pydantic's own strictness: where a model looks at its input first, that takes JSON's
    # arrays and texts for Python's, and refuses every tuple and id.
    other = converted(decoded, made.model_dump(mode="json", exclude_unset=True))
    if other is not None:
        place, taken, given = other
        raise malformed(f"{place}: {taken} is expected, not {given}", place)
    return made


async def limited(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body in parts, read no further than the limit.

    Raises:
        ProblemError: there is more.
    """
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


def too_large(limit: int) -> ProblemError:
    """A refusal of a body."""
    return ProblemError(413, "TOO_LARGE", f"the body is larger than {limit // 1024**2} MiB")


def unsupported_type(given: str, *known: str) -> ProblemError:
    """A refusal of a body's type."""
    detail = f"the body is of type {given!r}" if given else "the body's type is not told"
    return ProblemError(
        415, "UNSUPPORTED_MEDIA_TYPE", f"{detail}; send {' or '.join(known)}", "Content-Type"
    )


def malformed(detail: str, field: str | None = None) -> RejectedError:
    """A refusal of what is not of the documented shape."""
    return RejectedError.because(RejectionCode.MALFORMED, detail, field)


class OwnRoute(APIRoute):
    """A route that refuses what it does not know, and answers with problems."""

    allowed: Sequence[str] = ()
    """The methods of its path, all routes taken together."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the checks around it."""
        handler = super().get_route_handler()
        known = set(_query_names(self.dependant))

        async def handle(request: Request) -> Response:
            try:
                _check_texts(request, known)
                return await handler(request)
            except RequestValidationError as error:
                refusal = _of_validation(error.errors(), 1).rejection
                return problem(400, refusal.code, refusal.message, refusal.field)
            except RejectedError as error:
                if error.rejection.field != "If-Match":
                    raise
                return _answer(_changed())
            except ProblemError as error:
                return _answer(error)

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to this path."""
        own = self.methods or ()
        if scope["method"] in own:
            await super().handle(scope, receive, send)
            return
        allow = ", ".join(self.allowed or sorted(own))
        detail = f"{scope['method']} is not possible here; possible: {allow}"
        response = problem(405, "METHOD_NOT_ALLOWED", detail)
        response.headers["Allow"] = allow
        await response(scope, receive, send)


def new_router(tag: str, prefix: str = PREFIX) -> APIRouter:
    """A router of one kind of resource."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=OwnRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def _answer(error: ProblemError) -> Response:
    return problem(error.status, error.code, error.detail, error.field)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _check_texts(request: Request, known: set[str]) -> None:
    for name, value in request.query_params.multi_items():
        if name not in known:
            words = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise malformed(f"there is no query parameter {name!r} here; {words}", name)
        if "\0" in value:
            raise malformed(f"{name} holds a NUL character", name)
    for name, value in request.path_params.items():
        if "\0" in str(value):
            raise malformed(f"{name} holds a NUL character", name)


def _of_validation(errors: Sequence[Any], skip: int) -> RejectedError:
    """The refusal for the first of pydantic's errors; `skip` parts of its place are not of it."""
    first = errors[0]
    parts = [str(part) for part in first["loc"]]
    place = ".".join(parts[skip:]) or None
    if skip and parts[0] == "header" and place:
        place = place.replace("_", "-").title()
    words = first["msg"].removeprefix("Value error, ")
    return malformed(f"{place}: {words}" if place else words, place)


_Filter = Annotated[str, Query(description='Predicates as JSON: `{"predicates": [...]}`.')]
_SortBy = Annotated[
    str, Query(description="A field, then `asc` or `desc`; without it: newest first.")
]
_PageSize = Annotated[int, Query(ge=0, le=MAX_PAGE_SIZE)]
_PageToken = Annotated[
    str, Query(description="`next_page_token` of the page before; empty: the first page.")
]


def _paging(page_size: _PageSize = 20, page_token: _PageToken = "") -> dict[str, Any]:
    return {"page_size": page_size, "page_token": page_token or None}


def _inner_listing(
    paging: Annotated[dict[str, Any], Depends(_paging)],
    filter: _Filter = "",
    sort_by: _SortBy = "",
) -> dict[str, Any]:
    return {"filter": filter or None, "sort_by": sort_by or None, **paging}


def _listing(
    inner: Annotated[dict[str, Any], Depends(_inner_listing)],
    namespace: Annotated[
        str | None, Query(max_length=63, description="The namespace whose items are listed.")
    ] = None,
) -> dict[str, Any]:
    return {"namespace": namespace, **inner}


Paging = Annotated[dict[str, Any], Depends(_paging)]
"""What a list takes whose order is fixed."""
InnerListing = Annotated[dict[str, Any], Depends(_inner_listing)]
"""What a list within one object takes."""
Listing = Annotated[dict[str, Any], Depends(_listing)]
"""What every list takes, as the services behind take it."""


def narrowed(listing: dict[str, Any], **equal: str | None) -> dict[str, Any]:
    """A list of those alone that have these values; None means any."""
    wanted = [
        Predicate(key, Operation.EQUALS, value) for key, value in equal.items() if value is not None
    ]
    if not wanted:
        return listing
    given = parse_filter(listing["filter"] or "")
    return {**listing, "filter": filter_text((*given, *wanted))}


def flag(value: bool | None) -> str | None:
    """A yes or no as the services behind read it."""
    return None if value is None else str(value).lower()


IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of what is known; unchanged, the answer is a 304.")
]
IfMatch = Annotated[
    str | None,
    Header(description="The `ETag` of what was read; changed since, nothing is done: a 412."),
]


def answered(
    resource: Contract, if_none_match: str | None = None, status_code: int = 200
) -> Response:
    """A resource with its tag; a 304 to who has it already."""
    body = resource.model_dump_json().encode()
    return tagged(body, etag(body), if_none_match, status_code)


def tagged(
    body: bytes, tag: str, if_none_match: str | None = None, status_code: int = 200
) -> Response:
    """JSON with its tag; a 304 to who has it already."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and names(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, status_code, media_type="application/json", headers=headers)


def check_unchanged(if_match: str | None, resource: Contract) -> None:
    """Refuse a change of a resource that is another one than the caller has read.

    Raises:
        ProblemError: it has changed.
    """
    if not unchanged(if_match, resource):
        raise _changed()


def _changed() -> ProblemError:
    return ProblemError(
        412, "PRECONDITION_FAILED", "it has changed since it was read; read it anew", "If-Match"
    )
