"""The services behind the gateway, over HTTP: answers as resources, refusals as errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx
from headrace_contracts.access import HEADER
from headrace_contracts.base import Contract
from headrace_contracts.commands import SubmitRun
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import Run, SubmittedRun
from headrace_contracts.states import RunState
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.auth.caller import ACCESS

C = TypeVar("C", bound=Contract)
_KNOWN_WITHIN_SECONDS = 1.0
_ASK_EVERY_SECONDS = 0.01
_SEEN: Mapping[str, Callable[[Run], bool]] = {
    "archive": lambda run: run.archived,
    "unarchive": lambda run: not run.archived,
    "retry": lambda run: run.state not in (RunState.FAILED, RunState.CANCELED),
}
"""How a run looks when the recorder has heard of an operation."""


class Backend:
    """One service behind the gateway."""

    def __init__(self, name: str, url: str, service_token: str) -> None:
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(15, connect=2),
            trust_env=False,
            headers={"Authorization": f"Bearer {service_token}"},
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request on behalf of the caller.

        Raises:
            RejectedError: the service refused it.
            RetryableError: the service is away.
        """
        params = {k: v for k, v in (options.pop("params", None) or {}).items() if v is not None}
        headers = {**options.pop("headers", {}), HEADER: ACCESS.get().to_header()}
        try:
            response = await self._client.request(
                method, path, params=params, headers=headers, **options
            )
        except httpx.HTTPError as error:
            raise RetryableError(f"{self._name}: {error!r}") from error
        if response.status_code >= 500:
            raise RetryableError(f"{self._name} answered {response.status_code}")
        if response.status_code >= 400:
            body = response.json()
            try:
                code = RejectionCode(body.get("code"))
            except ValueError:
                code = RejectionCode.MALFORMED
            raise RejectedError.because(code, body.get("detail", "refused"), body.get("field"))
        return response

    async def get(self, kind: type[C], path: str, **params: Any) -> C:
        """Read one resource."""
        return kind.model_validate_json((await self.call("GET", path, params=params)).content)

    async def send(
        self, kind: type[C], path: str, body: bytes | AsyncIterator[bytes], **params: Any
    ) -> C:
        """Create one resource from a body."""
        headers = {"Content-Type": "application/json"}
        response = await self.call("POST", path, content=body, params=params, headers=headers)
        return kind.model_validate_json(response.content)

    async def make(
        self, kind: type[C], path: str, body: bytes, key: str | None, **params: Any
    ) -> tuple[C, int]:
        """Create one resource that a repeat with the same key does not create again. Returns it,
        and the status: 200 when it was there before."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        response = await self.call("POST", path, content=body, params=params, headers=headers)
        return kind.model_validate_json(response.content), response.status_code

    async def change(
        self, kind: type[C], method: str, path: str, body: Any = None, if_match: str | None = None
    ) -> C:
        """Change one resource, if it is as `if_match` says; returns it as it is then."""
        headers = {} if if_match is None else {"If-Match": if_match}
        response = await self.call(method, path, json=body, headers=headers)
        return kind.model_validate_json(response.content)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run as it stands: its JSON, and what the gateway itself has to know of it."""

    version: int
    state: RunState
    body: bytes


class Runs:
    """Runs, as api has accepted and recorder has seen them."""

    def __init__(self, api: Backend, recorder: Backend) -> None:
        self._api = api
        self._recorder = recorder

    async def submit(self, request: SubmitRun, key: str | None = None) -> tuple[Run, bool]:
        """Submit a run, and wait a moment for the recorder to know it, so that a list that is
        asked for next shows it. Returns the run, and whether it was there before."""
        body = request.model_dump_json(exclude_none=True).encode()
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        response = await self._api.call("POST", "/runs", content=body, headers=headers)
        submitted = SubmittedRun.model_validate_json(response.content)
        deadline = asyncio.get_running_loop().time() + _KNOWN_WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                found = await self._recorder.get(Run, f"/runs/{submitted.run_id}", tasks="false")
                return found, submitted.duplicate
            except (RejectedError, RetryableError):
                await asyncio.sleep(_ASK_EVERY_SECONDS)
        return _pending(submitted), submitted.duplicate

    async def operate(self, run_id: UUID | str, operation: str) -> None:
        """Do something with a run, and wait a moment for the recorder to know what can be seen of
        it at once, so that who asks next sees it."""
        await self._api.call("POST", f"/runs/{run_id}/{operation}")
        seen = _SEEN.get(operation)
        if seen is not None:
            await self._until(run_id, lambda run: run is None or seen(run))

    async def delete(self, run_id: UUID | str) -> None:
        """Delete a run, and wait a moment for the recorder to know it."""
        await self._api.call("DELETE", f"/runs/{run_id}")
        await self._until(run_id, lambda run: run is None)

    async def _until(self, run_id: UUID | str, seen: Callable[[Run | None], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + _KNOWN_WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                found = await self._recorder.get(Run, f"/runs/{run_id}", tasks="false")
            except RejectedError:
                found = None
            except RetryableError:
                return
            if seen(found):
                return
            await asyncio.sleep(_ASK_EVERY_SECONDS)

    async def get(self, run_id: str) -> Run:
        """One run; the recorder may not have heard of it yet."""
        return Run.model_validate_json((await self.snapshot(run_id)).body)

    async def version(self, run_id: str) -> int:
        """The version of a run, at the cost of one row."""
        return (await self.snapshot(run_id, tasks=False)).version

    async def snapshot(self, run_id: str, since: int = 0, *, tasks: bool = True) -> Snapshot:
        """One run as JSON, with those of its tasks that have changed since a version of it."""
        params = {"since": since} if tasks else {"tasks": "false"}
        try:
            found = await self._recorder.call("GET", f"/runs/{run_id}", params=params)
        except RejectedError as error:
            if error.rejection.code is not RejectionCode.NOT_FOUND:
                raise
            run = _pending(await self._api.get(SubmittedRun, f"/runs/{run_id}"))
            return Snapshot(0, run.state, run.to_json())
        version, state = found.headers["X-Run-Version"], found.headers["X-Run-State"]
        return Snapshot(int(version), RunState(state), found.content)


def _pending(submitted: SubmittedRun) -> Run:
    fields = submitted.model_dump(exclude={"submitted_at", "duplicate", "rerun"})
    return Run(
        **fields,
        rerun_of=submitted.rerun.run_id if submitted.rerun else None,
        state=RunState.PENDING,
        created_at=submitted.submitted_at,
        version=0,
        tasks=(),
    )
