"""What the routes of KFP's API share: parameters, answers, and the errors that each can give."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from headrace_contracts.access import Role
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable
from headrace_contracts.resources import Experiment
from headrace_runtime.errors import RejectedError
from pydantic import AfterValidator, BeforeValidator
from starlette.convertors import (  # codespell:ignore
    Convertor,  # codespell:ignore
    register_url_convertor,  # codespell:ignore
)

from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.kfp.messages import errors as kfp
from headrace_ui_gateway.kfp.messages.resources import GoogleRpcStatus, UploadError
from headrace_ui_gateway.kfp.messages.wire import Message
from headrace_ui_gateway.kfp.translate.lists import Keys, Paging, asked
from headrace_ui_gateway.upstream.client import Backend

JSON = "application/json"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": GoogleRpcStatus, "description": "The request is not sound"},
    401: {"model": GoogleRpcStatus, "description": "Nobody known asks"},
    403: {"model": GoogleRpcStatus, "description": "Who asks may not do this"},
    404: {"model": GoogleRpcStatus, "description": "There is no such thing"},
    409: {"model": GoogleRpcStatus, "description": "It does not go with what is there"},
    413: {"model": GoogleRpcStatus, "description": "The request is too large"},
    429: {"model": GoogleRpcStatus, "description": "Too many requests"},
    500: {"model": GoogleRpcStatus, "description": "An error that is not expected"},
    503: {"model": GoogleRpcStatus, "description": "A part of the system is away"},
}
"""What every route can answer instead."""
NOT_HERE: dict[int | str, dict[str, Any]] = {
    501: {"model": GoogleRpcStatus, "description": "This has no meaning here"},
    **{code: ERRORS[code] for code in (401, 404, 413, 429, 500)},
}
"""What a route answers that has no meaning here."""
UPLOAD_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {
        "model": GoogleRpcStatus if code in (401, 429) else UploadError,
        "description": described["description"],
    }
    for code, described in ERRORS.items()
}


class _Part(Convertor[str]):  # codespell:ignore
    """A part of a path that is taken as it is."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Id(_Part):
    """An id: without a colon, which begins the name of an operation on it, and no operation of
    the whole collection itself."""

    regex = "(?!(?:create|upload|upload_version)(?:/|$))[^/:]+"


register_url_convertor("kfp_id", _Id())  # codespell:ignore
register_url_convertor("kfp_any", _Part())  # codespell:ignore


def _storable_text(text: str) -> str:
    if (found := unstorable(text)) is not None:
        raise ValueError(f"the text {found[1]}")
    return text


def _storable_body(body: Any) -> Any:
    if (found := unstorable(body)) is not None:
        location, words = found
        raise ValueError(f"{'.'.join(map(str, location)) or 'the request'} {words}")
    return body


Text = Annotated[str, AfterValidator(_storable_text)]
"""A text from a path or query."""
STORABLE = BeforeValidator(_storable_body)
"""Marks a body: all that is in it can be kept."""


def _whole_number(text: Any) -> Any:
    if isinstance(text, str) and not re.fullmatch("-?[0-9]{1,10}", text):
        raise ValueError("a whole number is wanted")
    return text


def _paging(
    page_token: Annotated[Text, Query(description="From the page before")] = "",
    page_size: Annotated[
        int,
        BeforeValidator(_whole_number),
        Query(ge=0, lt=2**31, description="20 when it is 0, and 200 at most"),
    ] = 0,
    sort_by: Annotated[
        Text, Query(description="`field`, `field asc` or `field desc`; the first made come first")
    ] = "",
    filter: Annotated[
        Text,
        Query(
            description="Predicates that all have to hold, as JSON",
            examples=['{"predicates":[{"operation":"EQUALS","key":"name","string_value":"a"}]}'],
        ),
    ] = "",
) -> Paging:
    return Paging(page_token, page_size, sort_by, filter)


Paged = Annotated[Paging, Depends(_paging)]
"""A list's parameters."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes are made over: the services behind, and whether there are namespaces."""

    api: Backend
    recorder: Backend
    multi_user: bool

    def namespace(self, given: str) -> str | None:
        """The namespace that is asked about. None leaves it to the services, which know the only
        one that the caller sees, or refuse."""
        return (given or None) if self.multi_user else kfp.NAMESPACE

    def home(self, given: str) -> str:
        """The namespace in which something new is made.

        Raises:
            RejectedError: it has to be given, as the caller sees several.
        """
        if not self.multi_user:
            return kfp.NAMESPACE
        visible: Sequence[str] = ACCESS.get().visible or ()
        if given or len(visible) == 1:
            return given or visible[0]
        raise kfp.invalid("namespace has to be given", "namespace")

    async def home_of(self, experiment_id: str, given: str = "") -> str:
        """The namespace in which a run is made: that of its experiment.

        Raises:
            RejectedError: there is no such experiment, or none is given and no namespace either.
        """
        if not self.multi_user:
            return kfp.NAMESPACE
        if not experiment_id:
            return self.home(given)
        found = kfp.identity(experiment_id, "experiment")
        return (await self.api.get(Experiment, f"/experiments/{found}")).namespace

    def asked(self, keys: Keys, paging: Paging, namespace: str = "") -> dict[str, Any]:
        """A list's parameters for the service behind.

        Raises:
            RejectedError: the filter or the order is not of the grammar, or there are two
                namespaces.
        """
        parameters, filtered = asked(keys, paging)
        if self.multi_user and filtered and namespace not in ("", filtered):
            raise kfp.invalid("filter: the list is of another namespace", "filter")
        return {"namespace": self.namespace(namespace or filtered), **parameters}

    async def asked_of(
        self, keys: Keys, paging: Paging, namespace: str, experiment_id: str
    ) -> dict[str, Any]:
        """The same of a list that may be of one experiment, which then tells the namespace.

        Raises:
            RejectedError: there is no such experiment, or as `asked` does.
        """
        if not experiment_id:
            return self.asked(keys, paging, namespace)
        found = kfp.identity(experiment_id, "experiment")
        if not namespace:
            namespace = await self.home_of(experiment_id)
        return {**self.asked(keys, paging, namespace), "experiment_id": str(found)}

    def may(self, role: Role, namespace: str) -> bool:
        """Whether the caller may do what a role may in a namespace."""
        return ACCESS.get().may(role, self.namespace(namespace) or "")


def answer(message: Message) -> Response:
    """A message as the response."""
    return Response(message.to_json(), media_type=JSON)


def refusal(code: int, message: str, status: int | None = None) -> Response:
    """An error from its gRPC code."""
    body = GoogleRpcStatus.model_validate(kfp.status_of(code, message)).to_json()
    return Response(body, status or kfp.HTTP[code], media_type=JSON)


@asynccontextmanager
async def conflicts_as(code: int) -> AsyncIterator[None]:
    """Tell a conflict with this code of gRPC, where KFP does not say ALREADY_EXISTS.

    Raises:
        KfpError: there was a conflict.
    """
    try:
        yield
    except RejectedError as error:
        if error.rejection.code is not RejectionCode.CONFLICT:
            raise
        raise kfp.KfpError(code, error.rejection.message) from None
