"""Back pressure: how many requests for new work the gateway passes on at one time.

It is plain ASGI middleware behind the gate. A request for new work waits a short time for a place,
before its body is read, and is refused with a 429 if there is none. So the latency of accepted
requests is bounded however many clients there are. Other requests need no place: reads,
cancellations and health checks do not wait behind submissions.
"""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar

from headrace_contracts.failures import RejectionCode
from headrace_runtime.http import RETRY_AFTER
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace_ui_gateway.auth.caller import CALLER
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.auth.rules.turns import Turns

_NEW_WORK = re.compile(
    r"/api/v1/(runs|runs/[^/]+/retry|experiments|recurring-runs|pipelines(/[^/]+/versions)?)"
    r"|/apis/v2beta1/(runs|runs/[^/]+:retry|experiments|recurringruns"
    r"|pipelines(/create|/upload|/upload_version|/[^/]+/versions)?)"
)
_TURNS: ContextVar[Turns | None] = ContextVar("turns", default=None)


def others_wait() -> bool:
    """Whether other requests wait for the place of the current one, which then should not keep it
    for anything but work."""
    turns = _TURNS.get()
    return turns is not None and turns.is_contended


class Admission:
    """ASGI middleware that limits the requests for new work."""

    def __init__(self, app: ASGIApp, refusals: Refusals, turns: Turns, wait_seconds: float) -> None:
        self._app = app
        self._refusals = refusals
        self._turns = turns
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_new_work(scope):
            await self._app(scope, receive, send)
            return
        if not await self._take_place(CALLER.get().key):
            message = "too many requests for new work at the moment; retry in a second"
            refusal = self._refusals.refusal(
                scope["path"], RejectionCode.TOO_MANY_REQUESTS, message
            )
            refusal.headers.update(RETRY_AFTER)
            await refusal(scope, receive, send)
            return
        token = _TURNS.set(self._turns)
        try:
            await self._app(scope, receive, send)
        finally:
            _TURNS.reset(token)
            self._turns.end()

    async def _take_place(self, caller: str) -> bool:
        """Whether the request gets a place in time."""
        granted = asyncio.Event()
        if self._turns.ask(caller, granted.set):
            return True
        try:
            async with asyncio.timeout(self._wait_seconds):
                await granted.wait()
        except TimeoutError:
            if not granted.is_set():
                self._turns.leave(caller, granted.set)
        except asyncio.CancelledError:
            if granted.is_set():
                self._turns.end()
            else:
                self._turns.leave(caller, granted.set)
            raise
        return granted.is_set()


def is_new_work(scope: Scope) -> bool:
    """Whether a request asks for something that the deployment must store and carry out."""
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and _NEW_WORK.fullmatch(scope["path"]) is not None
    )
