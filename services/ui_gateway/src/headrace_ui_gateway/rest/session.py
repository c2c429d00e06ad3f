"""``/api/v1``: who the caller is, and sessions of browsers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from headrace_contracts.access import Role
from headrace_contracts.base import Contract
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_runtime.space import SpaceReserve
from pydantic import BaseModel, ConfigDict, Field

from headrace_ui_gateway.auth.authenticator import Authenticator
from headrace_ui_gateway.auth.caller import CALLER
from headrace_ui_gateway.auth.gate import SESSION, request_info
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.auth.rules.principals import LONGEST_TOKEN, CredentialError, Kind
from headrace_ui_gateway.rest.http.bodies import JsonBody
from headrace_ui_gateway.rest.http.routes import new_router

Mode = Literal["single_user", "multi_user"]
_LONGEST_COOKIE = 3800
"""Browsers store at most 4,096 bytes for a cookie with its name and attributes."""
_LARGEST_SIGN_IN = 64 * 1024
"""Bytes of a request that anyone may send; a token has up to 16 KiB."""


class Me(BaseModel):
    """The caller and their rights."""

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


class Session(Contract):
    """A token that a browser exchanges for a session."""

    token: Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN, repr=False)]


class Health(BaseModel):
    """The gateway is running."""

    multi_user: bool
    accepts_new_work: bool
    """Whether there is enough free space for new runs, pipelines and recurring runs."""
    reason: str | None = None
    """Why new work is refused."""


def session_router(
    authenticator: Authenticator, refusals: Refusals, mode: Mode, space: SpaceReserve
) -> APIRouter:
    """The routes about the caller."""
    router = new_router("access", prefix="")
    multi_user = mode == "multi_user"

    @router.get("/api/v1/healthz")
    async def healthz() -> Health:
        """Check that the gateway is running, and whether there is enough free space for new work.
        Needs no token."""
        shortage = space.shortage()
        return Health(
            multi_user=multi_user,
            accepts_new_work=shortage is None,
            reason=None if shortage is None else shortage.summary,
        )

    @router.get("/api/v1/me")
    async def me() -> Me:
        """Read the caller's name and their role in each namespace."""
        caller = CALLER.get()
        return Me(
            kind=caller.kind,
            name=caller.name,
            roles=dict(caller.access.roles),
            multi_user=multi_user,
        )

    @router.post(SESSION, status_code=204, response_model=None)
    async def sign_in(
        request: Request,
        session: Annotated[Session, Depends(JsonBody(Session, _LARGEST_SIGN_IN))],
    ) -> Response:
        """Exchange a token for a session cookie. Scripts cannot read it, and pages of other sites
        do not send it."""
        try:
            await authenticator.authenticate_token(session.token)
        except CredentialError as error:
            return refusals.unauthenticated(request_info(request.scope), SESSION, error.fault)
        if len(session.token) > _LONGEST_COOKIE:
            raise RejectedError.because(
                RejectionCode.TOO_LARGE, "token too long for a cookie", "token"
            )
        response = Response(status_code=204)
        response.set_cookie(
            authenticator.cookie, session.token, **_attributes(authenticator, request)
        )
        return response

    @router.delete(SESSION, status_code=204, response_model=None)
    async def sign_out(request: Request) -> Response:
        """Delete the session cookie."""
        response = Response(status_code=204)
        response.delete_cookie(authenticator.cookie, **_attributes(authenticator, request))
        return response

    return router


def _attributes(authenticator: Authenticator, request: Request) -> dict[str, Any]:
    secure = authenticator.uses_tls(request_info(request.scope), request.url.scheme)
    return {"httponly": True, "samesite": "strict", "secure": secure, "path": "/"}
