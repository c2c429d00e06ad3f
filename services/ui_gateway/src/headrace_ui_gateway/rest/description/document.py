"""The OpenAPI document of ``/api/v1``: what the routes declare, completed with every error, the
headers and an example of each model."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Header
from fastapi.openapi.utils import get_openapi
from headrace_contracts.base import Contract
from headrace_contracts.resources import Problem
from pydantic.json_schema import models_json_schema

from headrace_ui_gateway.rest.description.examples import EXAMPLES, PROBLEMS, STREAMS
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.routes import StrictRoute
from headrace_ui_gateway.rest.http.uploads import request_body

_REF = "#/components/schemas/"
_PUBLIC = ("healthz", "sign_in")
"""Operations that need no token."""
_METHODS = ("get", "post", "put", "patch", "delete")
_DESCRIPTION = """\
Headrace's own API. Lists are paged: pass `next_page_token` to get the next page; the token stays
valid when items are added. An error is a problem (RFC 9457) with a stable `code`, a message and the
field at fault. A 429 or 503 has a `Retry-After` header with the seconds to wait. KFP's API is
served at `/apis/v2beta1`."""

IDEMPOTENCY_KEY = Header(
    min_length=1,
    max_length=255,
    pattern=r"^[\x20-\x7e]+$",
    description="Chosen by the caller. A repeated request with the same key in the same namespace "
    "has no further effect. The same key with another request is rejected.",
)


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


_TAG = {"ETag": _header("Version of the resource, for `If-None-Match` and `If-Match`.")}
_RETRY = {"Retry-After": _header("Seconds to wait before a retry.", "integer")}

_SSE_EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""The item schema of a stream in OpenAPI 3.2; readers of 3.1 ignore it."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "The resource's state does not allow this, or the name is already used."}
}
PRECONDITION: dict[int | str, dict[str, Any]] = {
    200: {"headers": _TAG},
    412: {"description": "The resource was modified: `If-Match` names another version."},
}
ETAG: dict[int | str, dict[str, Any]] = {
    200: {"headers": _TAG},
    304: {
        "description": "Not modified: `If-None-Match` is current.",
        "headers": _TAG,
    },
}
SSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of server-sent events; a comment every 15 s keeps it open.",
        "content": {"text/event-stream": {"itemSchema": _SSE_EVENT}},
    }
}
LOG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Standard output and standard error of the latest attempt.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
        "headers": {
            "X-Log-Size": _header("Size of the whole log in bytes; not with `follow`.", "integer"),
            "X-Log-Complete": _header("`true` if the log will not grow; not with `follow`."),
            "X-Log-Attempt": _header(
                "The attempt that wrote the log; not with `follow`.", "integer"
            ),
        },
    }
}
REDIRECT: dict[int | str, dict[str, Any]] = {
    307: {
        "description": "A redirect to the file, by a link that is valid for an hour.",
        "headers": {"Location": _header("The link.")},
    }
}
_REASONS = {
    400: "The request is invalid.",
    401: "The token is missing, expired or not valid.",
    403: "The caller can see the resource but is not allowed to do this.",
    404: "The resource does not exist, or the caller cannot see it.",
    413: "The body is too large.",
    415: "The media type of the body is not supported.",
    429: "Too many requests in a short time.",
    503: "Service temporarily unavailable.",
    507: "There is too little free disk space for new work.",
}
UPLOAD = {"requestBody": request_body()}


def document(routes: Sequence[StrictRoute], version: str) -> dict[str, Any]:
    """The document of these routes."""
    result = get_openapi(
        title="Headrace", version=version, description=_DESCRIPTION, routes=list(routes)
    )
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for name in [name for name in schemas if name.endswith("ValidationError")]:
        del schemas[name]
    _add_schemas(schemas, [Problem, *(body for route in routes if (body := _body_of(route)))])
    result["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the deployment."}
    }
    result["security"] = [{"bearer": []}]
    bodies = {route.unique_id: _body_of(route) for route in routes}
    for path, item in result["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], path, bodies[item[method]["operationId"]])
    return result


def _body_of(route: StrictRoute) -> type[Contract] | None:
    """The model of a route's body."""
    calls = (inner.call for inner in route.dependant.dependencies)
    return next((call.model for call in calls if isinstance(call, JsonBody)), None)


def _add_schemas(schemas: dict[str, Any], models: Sequence[type[Contract]]) -> None:
    wanted = [(model, "validation") for model in dict.fromkeys(models)]
    _, found = models_json_schema(wanted, ref_template=_REF + "{model}")  # type: ignore[arg-type]
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)


def _complete(operation: dict[str, Any], path: str, body: type[Contract] | None) -> None:
    """Add to an operation what it does not declare itself: summary, body, errors and examples."""
    text = " ".join(operation.pop("description", "").split())
    summary, stop, rest = text.partition(". ")
    operation["summary"] = summary.rstrip(".")
    if stop:
        operation["description"] = rest
    for parameter in operation.get("parameters", ()):
        _complete_parameter(parameter)
    if body is not None:
        content = {"schema": {"$ref": _REF + body.__name__}, "example": EXAMPLES[body.__name__]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation["operationId"] in _PUBLIC:
        operation["security"] = []
    responses = operation["responses"]
    responses.pop("422", None)
    _complete_successes(responses, operation["operationId"])
    statuses = {400, 401, 403, 429, 503}
    if "{" in path or any(one["name"] == "namespace" for one in operation.get("parameters", ())):
        statuses.add(404)
    if "201" in responses or operation["operationId"] == "retry_run":
        statuses.add(507)
    if "requestBody" in operation:
        statuses |= {404, 413, 415}
    for status in sorted(statuses | {int(one) for one in responses if int(one) >= 400}):
        responses[str(status)] = _problem(status, responses.get(str(status), {}))


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """Mark an optional parameter by its absence: a query or header has no null."""
    kinds = parameter["schema"].get("anyOf", ())
    if {"type": "null"} in kinds:
        (parameter["schema"],) = [kind for kind in kinds if kind != {"type": "null"}]
    parameter["schema"].pop("title", None)
    if parameter["in"] == "header":
        parameter["name"] = parameter["name"].title()


def _complete_successes(responses: dict[str, Any], operation_id: str) -> None:
    created = responses.get("201")
    if created is not None:
        created["headers"] = _TAG
        if "200" in responses:
            description = "An earlier request with this key has created it."
            responses["200"] = {**created, "description": description}
    for status, response in responses.items():
        if status >= "300":
            continue
        for kind, content in response.get("content", {}).items():
            name = content.get("schema", {}).get("$ref", "").removeprefix(_REF)
            example = EXAMPLES.get(name) if kind == "application/json" else STREAMS[operation_id]
            if example is not None:
                content["example"] = example


def _problem(status: int, known: dict[str, Any]) -> dict[str, Any]:
    title, example = HTTPStatus(status).phrase, PROBLEMS[status]
    response = {
        "description": known.get("description") or _REASONS[status],
        "content": {
            "application/problem+json": {
                "schema": {"$ref": _REF + "Problem"},
                "example": {"type": "about:blank", "title": title, "status": status, **example},
            }
        },
    }
    if status in (429, 503):
        response["headers"] = _RETRY
    if status == 401:
        response["headers"] = {"WWW-Authenticate": _header("`Bearer`.")}
    return response
