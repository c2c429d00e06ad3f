"""The description of ``/api/v1``: what the routes themselves do not say, and every answer that can
come."""

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
from headrace_ui_gateway.rest.http.requests import JsonBody, OwnRoute
from headrace_ui_gateway.rest.http.uploads import request_body

_REF = "#/components/schemas/"
_OPEN = ("healthz", "sign_in")
"""Operations that need no token."""
_METHODS = ("get", "post", "put", "patch", "delete")
_DESCRIPTION = """\
What Headrace does, as resources. Lists come in pages: `next_page_token` leads to the next one, and
stays right when items are added. A refusal is a problem (RFC 9457) with a stable `code`, a sentence
and the field at fault. A 429 or 503 says in `Retry-After` when to ask again. KFP's API is served
beside this one, below `/apis/v2beta1`."""

IDEMPOTENCY_KEY = Header(
    min_length=1,
    max_length=255,
    pattern=r"^[\x20-\x7e]+$",
    description="Chosen by the caller. A repeat with the same key, in the same namespace, does not "
    "do the same again; for another request the key is refused.",
)


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


_TAG = {"ETag": _header("What the resource is now, for `If-None-Match` and `If-Match`.")}
_RETRY = {"Retry-After": _header("In how many seconds to ask again.", "integer")}

_SSE_EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""As OpenAPI 3.2 describes the items of a stream; readers of 3.1 pass over it."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "It is in a state that does not allow it, or its name is taken."}
}
PRECONDITION: dict[int | str, dict[str, Any]] = {
    200: {"headers": _TAG},
    412: {"description": "It has changed since it was read: `If-Match` names another state."},
}
ETAG: dict[int | str, dict[str, Any]] = {
    200: {"headers": _TAG},
    304: {"description": "Unchanged: `If-None-Match` names its state.", "headers": _TAG},
}
SSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of server-sent events; every 15 s a comment keeps it open.",
        "content": {"text/event-stream": {"itemSchema": _SSE_EVENT}},
    }
}
LOG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Text: standard output and error of the latest attempt.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
        "headers": {
            "X-Log-Size": _header("How many bytes there are; not of a followed log.", "integer"),
            "X-Log-Complete": _header("`true` when no more will come; not of a followed log."),
            "X-Log-Attempt": _header("Whose log it is; not of a followed log.", "integer"),
        },
    }
}
REDIRECT: dict[int | str, dict[str, Any]] = {
    307: {
        "description": "A file, at a link that works for an hour.",
        "headers": {"Location": _header("The link.")},
    }
}
_REASONS = {
    400: "Something in the request is not as described here.",
    401: "Nobody known asks: the token is missing, expired or not one of the deployment's.",
    403: "The caller may see it, and not do this to it.",
    404: "There is no such thing, or the caller does not see it.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too many requests in a short time.",
    503: "A part of the system is away.",
}
UPLOAD = {"requestBody": request_body()}


def document(routes: Sequence[OwnRoute], version: str) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    made = get_openapi(
        title="Headrace", version=version, description=_DESCRIPTION, routes=list(routes)
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in [name for name in schemas if name.endswith("ValidationError")]:
        del schemas[name]
    _add_schemas(schemas, [Problem, *(body for route in routes if (body := _body_of(route)))])
    made["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the deployment."}
    }
    made["security"] = [{"bearer": []}]
    bodies = {route.unique_id: _body_of(route) for route in routes}
    for path, item in made["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], path, bodies[item[method]["operationId"]])
    return made


def _body_of(route: OwnRoute) -> type[Contract] | None:
    """The model of a route's body."""
    calls = (inner.call for inner in route.dependant.dependencies)
    return next((call.model for call in calls if isinstance(call, JsonBody)), None)


def _add_schemas(schemas: dict[str, Any], models: Sequence[type[Contract]]) -> None:
    wanted = [(model, "validation") for model in dict.fromkeys(models)]
    _, found = models_json_schema(wanted, ref_template=_REF + "{model}")  # type: ignore[arg-type]
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)


def _complete(operation: dict[str, Any], path: str, body: type[Contract] | None) -> None:
    """Say of an operation what every one has."""
    words = " ".join(operation.pop("description", "").split())
    summary, stop, rest = words.partition(". ")
    operation["summary"] = summary.rstrip(".")
    if stop:
        operation["description"] = rest
    for parameter in operation.get("parameters", ()):
        _complete_parameter(parameter)
    if body is not None:
        content = {"schema": {"$ref": _REF + body.__name__}, "example": EXAMPLES[body.__name__]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation["operationId"] in _OPEN:
        operation["security"] = []
    responses = operation["responses"]
    responses.pop("422", None)
    _complete_successes(responses, operation["operationId"])
    statuses = {400, 401, 403, 429, 503}
    if "{" in path or any(one["name"] == "namespace" for one in operation.get("parameters", ())):
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {404, 413, 415}
    for status in sorted(statuses | {int(one) for one in responses if int(one) >= 400}):
        responses[str(status)] = _problem(status, responses.get(str(status), {}))


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """A parameter can be left out; nothing in an address or a header is null."""
    kinds = parameter["schema"].get("anyOf", ())
    if {"type": "null"} in kinds:
        (parameter["schema"],) = [kind for kind in kinds if kind != {"type": "null"}]
    parameter["schema"].pop("title", None)
    if parameter["in"] == "header":
        parameter["name"] = parameter["name"].title()


def _complete_successes(responses: dict[str, Any], operation_id: str) -> None:
    made = responses.get("201")
    if made is not None:
        made["headers"] = _TAG
        if "200" in responses:
            responses["200"] = {**made, "description": "It was made before, with this key."}
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
