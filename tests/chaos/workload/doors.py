"""The two doors for submissions: the HTTP API, and messages on the bus.

A submission is repeated, with its key, until it is answered. An answer that names a run is an
acknowledgement: from then on the run must not be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import Any

import httpx
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.chaos.journal import Submission
from tests.chaos.testbed import Testbed

_ANSWER_SECONDS = 60.0
_PAUSE_SECONDS = 0.5
_FINAL_CODES = frozenset(
    {"MALFORMED", "INVALID_SPEC", "INVALID_PARAMETER", "UNSUPPORTED_FEATURE", "TOO_LARGE",
     "CONFLICT", "FORBIDDEN", "NOT_FOUND"}
)  # fmt: skip
"""The same message would be rejected again."""


class HttpDoor:
    """``POST /api/v1/runs``."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed

    async def submit(self, submission: Submission, body: dict[str, Any]) -> None:
        """Send the request until it is answered; without a key, once."""
        headers = {} if submission.key is None else {"Idempotency-Key": submission.key}
        while True:
            submission.requests += 1
            response = await self._bed.request(
                "POST", "/api/v1/runs", json=body, headers=headers, patience=_ANSWER_SECONDS
            )
            if response is not None and response.status_code in (200, 201):
                submission.run_ids.append(response.json()["run_id"])
                return
            submission.last_answer = _describe(response)
            if response is not None and _is_final(response.status_code):
                submission.refused = submission.last_answer
                return
            if submission.key is None:
                return
            await asyncio.sleep(_PAUSE_SECONDS)


def _describe(response: httpx.Response | None) -> str:
    return "no response" if response is None else f"{response.status_code} {response.text[:300]}"


def _is_final(status: int) -> bool:
    """Whether the same request would be refused again."""
    return 400 <= status < 500 and status != 429


class EventDoor:
    """``cmd.run.submit``, with the reply on ``evt.submission``."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed
        self._bus: Client | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def submit(self, submission: Submission, body: dict[str, Any]) -> None:
        """Publish the message until there is a reply. Each has an id of its own, so that the bus
        does not drop it as a duplicate; the key is what makes them one run."""
        while True:
            request = uuid.uuid4().hex
            reply = asyncio.get_running_loop().create_future()
            self._waiting[request] = reply
            submission.requests += 1
            try:
                await self._publish(request, {**body, "idempotency_key": submission.key})
                answer = await asyncio.wait_for(reply, _ANSWER_SECONDS)
            except (TimeoutError, OSError, nats.errors.Error) as error:
                submission.last_answer = repr(error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            finally:
                del self._waiting[request]
            if answer["type"] == "submission.accepted":
                submission.run_ids.append(answer["run_id"])
            elif answer["rejection"]["code"] in _FINAL_CODES:
                submission.refused = json.dumps(answer)[:300]
            else:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            return

    async def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._bus.close(), 5)

    async def _publish(self, request: str, body: dict[str, Any]) -> None:
        bus = await self._connected()
        headers = {"ce-specversion": "1.0", "ce-id": request, "ce-type": "run.submit"}
        headers["Nats-Msg-Id"] = request
        await bus.jetstream(timeout=5).publish(
            "cmd.run.submit", json.dumps(body).encode(), headers=headers
        )

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._bus is None or self._bus.is_closed:
                self._bus = await nats.connect(
                    self._bed.deployment.nats_url,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,
                    ping_interval=2,
                    max_outstanding_pings=2,
                    connect_timeout=5,
                    error_cb=_ignore,
                )
                await self._bus.subscribe("evt.submission.*.*", cb=self._receive)
            return self._bus

    async def _receive(self, message: Msg) -> None:
        reply = self._waiting.get(message.subject.split(".")[2])
        if reply is not None and not reply.done():
            reply.set_result(json.loads(message.data))


async def _ignore(error: Exception) -> None:
    """Broken connections are expected."""
