"""``/api/v1``: who am I, and sessions for browsers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from headrace_contracts.access import Role
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from pydantic import BaseModel, ConfigDict, Field

from headrace_ui_gateway.auth.authenticator import Authenticator
from headrace_ui_gateway.auth.caller import CALLER
from headrace_ui_gateway.auth.gate import SESSION, asked_by, unauthenticated
from headrace_ui_gateway.auth.rules.principals import LONGEST_TOKEN, CredentialError, Kind
from headrace_ui_gateway.rest.http.requests import new_router

Mode = Literal["single_user", "multi_user"]
_LONGEST_COOKIE = 3800
"""Browsers keep 4,096 bytes of a cookie, its name and attributes included."""


class Me(BaseModel):
    """Who asks, and what he may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "user",
                    "name": "alice",
                    "roles": {"team-a": "editor"},
                    "multi_user": True,
                }
            ]
        }
    )

    kind: Kind
    name: str
    roles: dict[str, Role]
    """By namespace; ``*`` is every namespace."""
    multi_user: bool


class Session(BaseModel):
    """What a browser hands in to be known from then on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "3f6c0d..."}]})

    token: Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN, repr=False)]


class Health(BaseModel):
    """That the gateway answers, and whether it knows more than one user."""

    multi_user: bool


def auth_router(authenticator: Authenticator, mode: Mode) -> APIRouter:
    """The routes about the caller himself."""
    router = new_router("access", prefix="")
    multi_user = mode == "multi_user"

    @router.get("/api/v1/healthz")
    async def healthz() -> Health:
        """Whether the gateway answers; open to everybody."""
        return Health(multi_user=multi_user)

    @router.get("/api/v1/me")
    async def me() -> Me:
        """Who the caller is, and his role in each namespace."""
        caller = CALLER.get()
        return Me(
            kind=caller.kind,
            name=caller.name,
            roles=dict(caller.access.roles),
            multi_user=multi_user,
        )

    @router.post(SESSION, status_code=204, response_model=None)
    async def sign_in(request: Request, session: Session) -> Response:
        """Take a token as a cookie, which no script can read and no other site's page sends."""
        asked = asked_by(request.scope)
        try:
            await authenticator.bearer(session.token)
        except CredentialError as error:
            return unauthenticated(asked, SESSION, error.fault)
        if len(session.token) > _LONGEST_COOKIE:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE, "browsers keep no token of this length", "token"
            )
        response = Response(status_code=204)
        response.set_cookie(
            authenticator.cookie, session.token, **_attributes(authenticator, request)
        )
        return response

    @router.delete(SESSION, status_code=204, response_model=None)
    async def sign_out(request: Request) -> Response:
        """Forget the cookie."""
        response = Response(status_code=204)
        response.delete_cookie(authenticator.cookie, **_attributes(authenticator, request))
        return response

    return router


def _attributes(authenticator: Authenticator, request: Request) -> dict[str, Any]:
    secure = authenticator.through_tls(asked_by(request.scope), request.url.scheme)
    return {"httponly": True, "samesite": "strict", "secure": secure, "path": "/"}
