"""Parameters that several routes take, and checks of what they carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header
from headrace_contracts.base import Contract
from headrace_contracts.etags import if_match_holds
from headrace_contracts.ir.storable import unstorable
from headrace_runtime.access import Caller, listed_namespace
from headrace_runtime.lists.page import PageRequest
from pydantic import AfterValidator

from headrace_api.errors import conflict

DEFAULT_NAMESPACE = "default"


def storable(text: str) -> str:
    """The text.

    Raises:
        ValueError: Postgres cannot store it.
    """
    if (fault := unstorable(text)) is not None:
        raise ValueError(f"the text {fault[1]}")
    return text


StorableText = Annotated[str, AfterValidator(storable)]
OptionalText = Annotated[str | None, AfterValidator(lambda text: text and storable(text))]
IfMatch = Annotated[str | None, Header()]


def _page_request(
    filter: StorableText = "",
    sort_by: StorableText = "",
    page_size: int = 0,
    page_token: StorableText = "",
) -> PageRequest:
    return PageRequest(filter=filter, sort_by=sort_by, page_size=page_size, page_token=page_token)


PageParameters = Annotated[PageRequest, Depends(_page_request)]
"""The requested page of a list that belongs to another object, such as a pipeline's versions."""


def _namespace_page_request(
    caller: Caller, request: PageParameters, namespace: OptionalText = None
) -> PageRequest:
    return replace(request, namespace=listed_namespace(caller, namespace))


NamespacePageParameters = Annotated[PageRequest, Depends(_namespace_page_request)]
"""The requested page of a list of one namespace, which the caller can see."""


def check_unchanged(if_match: str | None, resource: Contract) -> None:
    """Check the precondition of a change.

    Raises:
        RejectedError: CONFLICT; ``If-Match`` names another state of the resource.
    """
    if not if_match_holds(if_match, resource):
        raise conflict(
            "the resource was modified since you read it; fetch it again",
            "If-Match",
        )
