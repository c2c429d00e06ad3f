"""What the routes of KFP's API share: parameters, namespaces, responses and documented errors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from headrace_contracts.access import Role
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import require_storable, unstorable
from headrace_contracts.resources import Experiment
from headrace_runtime.errors import RejectedError
from pydantic import AfterValidator, BeforeValidator
from starlette.convertors import (  # codespell:ignore
    Convertor,  # codespell:ignore
    register_url_convertor,  # codespell:ignore
)

from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.kfp.messages import errors
from headrace_ui_gateway.kfp.messages.resources import GoogleRpcStatus, UploadError
from headrace_ui_gateway.kfp.messages.wire import Message
from headrace_ui_gateway.kfp.translate.lists import ListFields, Paging, list_params
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs

JSON = "application/json"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": GoogleRpcStatus, "description": "The request is invalid"},
    401: {"model": GoogleRpcStatus, "description": "The caller is not authenticated"},
    403: {"model": GoogleRpcStatus, "description": "The caller is not allowed to do this"},
    404: {"model": GoogleRpcStatus, "description": "Not found"},
    409: {"model": GoogleRpcStatus, "description": "The request conflicts with the current state"},
    413: {"model": GoogleRpcStatus, "description": "The request is too large"},
    429: {"model": GoogleRpcStatus, "description": "Too many requests"},
    500: {"model": GoogleRpcStatus, "description": "Unexpected error"},
    503: {"model": GoogleRpcStatus, "description": "Service temporarily unavailable"},
    507: {"model": GoogleRpcStatus, "description": "Too little free disk space for new work"},
}
"""Errors of every route."""
NOT_SUPPORTED: dict[int | str, dict[str, Any]] = {
    501: {"model": GoogleRpcStatus, "description": "Not supported"},
    **{code: ERRORS[code] for code in (401, 404, 413, 429, 500)},
}
"""Errors of a route that is not supported."""
UPLOAD_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {
        "model": GoogleRpcStatus if code in (401, 429) else UploadError,
        "description": described["description"],
    }
    for code, described in ERRORS.items()
}


class _Part(Convertor[str]):  # codespell:ignore
    """A part of a path, unchanged."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Id(_Part):
    """An id: a segment without a colon, which would begin the name of an operation on the object,
    and not the name of an operation on the collection."""

    regex = "(?!(?:create|upload|upload_version)(?:/|$))[^/:]+"


register_url_convertor("kfp_id", _Id())  # codespell:ignore
register_url_convertor("kfp_any", _Part())  # codespell:ignore


def _storable_text(text: str) -> str:
    if (found := unstorable(text)) is not None:
        raise ValueError(f"the string {found[1]}")
    return text


Text = Annotated[str, AfterValidator(_storable_text)]
"""A string from a path or query, without characters that Postgres cannot store."""
STORABLE = BeforeValidator(require_storable)
"""Annotates a body: Postgres must be able to store all of its strings."""


def _integer(text: Any) -> Any:
    if isinstance(text, str) and not re.fullmatch("-?[0-9]{1,10}", text):
        raise ValueError("expected an integer")
    return text


def _paging(
    page_token: Annotated[Text, Query(description="`next_page_token` of the previous page")] = "",
    page_size: Annotated[
        int,
        BeforeValidator(_integer),
        Query(ge=0, lt=2**31, description="0 means 20; the maximum is 200"),
    ] = 0,
    sort_by: Annotated[
        Text, Query(description="`field`, `field asc` or `field desc`. Default: oldest first")
    ] = "",
    filter: Annotated[
        Text,
        Query(
            description="Predicates as JSON; items must match all of them",
            examples=['{"predicates":[{"operation":"EQUALS","key":"name","string_value":"a"}]}'],
        ),
    ] = "",
) -> Paging:
    return Paging(page_token, page_size, sort_by, filter)


Paged = Annotated[Paging, Depends(_paging)]
"""The query parameters of a list."""


@dataclass(frozen=True, slots=True)
class KfpContext:
    """What the routes are built on. In single-user mode there is one namespace, `DEFAULT`, and
    clients do not name it."""

    api: ServiceClient
    recorder: ServiceClient
    runs: Runs
    announcements: RunAnnouncements
    multi_user: bool

    def namespace(self, given: str) -> str | None:
        """The requested namespace. None leaves it to the services: they use the only namespace that
        the caller sees, or reject the request."""
        return (given or None) if self.multi_user else errors.NAMESPACE

    def namespace_to_create_in(self, given: str) -> str:
        """The namespace of a new object.

        Raises:
            RejectedError: none is given, and the caller sees several.
        """
        if not self.multi_user:
            return errors.NAMESPACE
        visible: Sequence[str] = ACCESS.get().visible or ()
        if given or len(visible) == 1:
            return given or visible[0]
        raise errors.invalid("namespace is required: you have access to several", "namespace")

    async def namespace_of_experiment(self, experiment_id: str, given: str = "") -> str:
        """The namespace of a new run: that of its experiment, or else the given one.

        Raises:
            RejectedError: the experiment is not found, or neither of the two is given.
        """
        if not self.multi_user:
            return errors.NAMESPACE
        if not experiment_id:
            return self.namespace_to_create_in(given)
        found = errors.parse_id(experiment_id, "experiment")
        return (await self.api.get(Experiment, f"/experiments/{found}")).namespace

    def list_params(
        self, fields: ListFields, paging: Paging, namespace: str = ""
    ) -> dict[str, Any]:
        """The list parameters of the service behind the gateway.

        Raises:
            RejectedError: the filter or the order is invalid, or the filter names another
                namespace than the query.
        """
        parameters, filtered = list_params(fields, paging)
        if self.multi_user and filtered and namespace not in ("", filtered):
            raise errors.invalid(
                f"filter: namespace {filtered!r} differs from the query's {namespace!r}", "filter"
            )
        return {"namespace": self.namespace(namespace or filtered), **parameters}

    async def list_params_of_experiment(
        self, fields: ListFields, paging: Paging, namespace: str, experiment_id: str
    ) -> dict[str, Any]:
        """The same for a list that may be limited to one experiment. Its namespace is then that of
        the experiment.

        Raises:
            RejectedError: the experiment is not found, or as `list_params` says.
        """
        if not experiment_id:
            return self.list_params(fields, paging, namespace)
        found = errors.parse_id(experiment_id, "experiment")
        if not namespace:
            namespace = await self.namespace_of_experiment(experiment_id)
        return {**self.list_params(fields, paging, namespace), "experiment_id": str(found)}

    def may(self, role: Role, namespace: str) -> bool:
        """Whether the caller has at least a role in a namespace."""
        return ACCESS.get().may(role, self.namespace(namespace) or "")


def message_response(message: Message) -> Response:
    """A response with a message."""
    return Response(message.to_json(), media_type=JSON)


def error_response(code: int, message: str, status: int | None = None) -> Response:
    """An error response from a gRPC code; `status` replaces its usual HTTP status."""
    body = errors.status_message(code, message).to_json()
    return Response(body, status or errors.HTTP[code], media_type=JSON)


def gate_error(status: int, code: str, message: str) -> Response:
    """An error of the gate, from a rejection code or ``UNAVAILABLE``."""
    return error_response(errors.grpc_code(code), message, status)


@asynccontextmanager
async def conflicts_as(code: int) -> AsyncIterator[None]:
    """Answer a conflict with this gRPC code, where KFP does not use ALREADY_EXISTS.

    Raises:
        KfpError: there was a conflict.
    """
    try:
        yield
    except RejectedError as error:
        if error.rejection.code is not RejectionCode.CONFLICT:
            raise
        raise errors.KfpError(code, error.rejection.message) from None
