"""Runs, as the api accepted them and the recorder shows them.

The recorder shows a change a few milliseconds after the api has accepted it. So that callers see
their own change in the next request, a change waits until the recorder shows it, for at most
`VISIBLE_WITHIN_SECONDS`. The api has committed it by then: a recorder that does not respond, or is
behind, delays no answer for longer and changes none.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from headrace_contracts.base import Contract
from headrace_contracts.failures import RejectionCode
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.resources import Run, SubmittedRun
from headrace_contracts.states import RunState
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.auth.admission import others_wait
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.models import RunSnapshot

C = TypeVar("C", bound=Contract)
VISIBLE_WITHIN_SECONDS = 1.0
"""After this, counted from the request, the caller gets the response of the api."""
SILENT_SECONDS = 5.0
"""For how long no change waits for a recorder that has not responded at all."""
_SHORT_RESPONSE_SECONDS = 1.0
"""Time limit of a read that has an answer without the recorder too."""
_REMEMBERED = 10_000
"""Runs of this gateway that the recorder has not shown yet, about 2 MB."""
_FIRST_FALLBACK_SECONDS = 0.1
"""When to read without an announcement; each later wait without one is twice as long."""
_IS_VISIBLE: Mapping[str, Callable[[Run], bool]] = {
    "archive": lambda run: run.archived,
    "unarchive": lambda run: not run.archived,
    "retry": lambda run: run.state not in (RunState.FAILED, RunState.CANCELED),
}
"""Whether the recorder shows an operation's effect."""


class Runs:
    """Reads and changes runs."""

    def __init__(
        self, api: ServiceClient, recorder: ServiceClient, announcements: RunAnnouncements
    ) -> None:
        self._api = api
        self._recorder = recorder
        self._announcements = announcements
        self._silent_until = 0.0
        self._unrecorded: OrderedDict[str, None] = OrderedDict()

    async def submit(self, request: SubmitRun, key: str | None = None) -> tuple[Run, bool]:
        """Submit a run. Returns it, and whether the idempotency key belongs to an earlier one."""
        body = request.model_dump_json(exclude_none=True).encode()
        position, deadline = self._announcements.count, _now() + VISIBLE_WITHIN_SECONDS
        submitted, _ = await self._api.post_idempotent(SubmittedRun, "/runs", body, key)
        if not submitted.duplicate:
            self._remember(str(submitted.run_id))
        found = await self._visible(
            submitted.run_id,
            position,
            deadline,
            lambda run: run is not None,
            read_first=submitted.duplicate,
        )
        return found or _pending(submitted), submitted.duplicate

    async def operate(self, run_id: UUID | str, operation: str) -> None:
        """Carry out an operation on a run."""
        is_visible = _IS_VISIBLE.get(operation)
        position, deadline = self._announcements.count, _now() + VISIBLE_WITHIN_SECONDS
        await self._api.call("POST", f"/runs/{run_id}/{operation}")
        if is_visible is not None:
            await self._visible(
                run_id,
                position,
                deadline,
                lambda run: run is None or is_visible(run),
                read_first=True,
            )

    async def delete(self, run_id: UUID | str) -> None:
        """Delete a run."""
        position, deadline = self._announcements.count, _now() + VISIBLE_WITHIN_SECONDS
        await self._api.call("DELETE", f"/runs/{run_id}")
        self._unrecorded.pop(str(run_id), None)
        await self._visible(run_id, position, deadline, lambda run: run is None)

    async def _visible(
        self,
        run_id: UUID | str,
        position: int,
        deadline: float,
        is_visible: Callable[[Run | None], bool],
        *,
        read_first: bool = False,
    ) -> Run | None:
        """The run once the recorder shows the change, or None when it does not before `deadline`.

        It is read after each announcement since `position`, and without one after growing waits.
        With `read_first` also at once: an operation that changes nothing is not announced.
        """
        if _now() < self._silent_until or _now() >= deadline or others_wait():
            return None
        wait, asked_at, has_responded = _FIRST_FALLBACK_SECONDS, deadline, False
        async with self._announcements.watch(str(run_id)) as announced:
            if read_first or self._announcements.since(position, str(run_id)):
                announced.set()
            try:
                async with asyncio.timeout_at(deadline):
                    while True:
                        if not await self._announcements.wait(announced, wait):
                            wait *= 2
                        announced.clear()
                        asked_at = min(asked_at, _now())
                        try:
                            found = await self._recorded(run_id)
                        except RetryableError:
                            continue
                        has_responded = True
                        if is_visible(found):
                            return found
            except TimeoutError:
                had_time = deadline - asked_at > VISIBLE_WITHIN_SECONDS / 2
                if had_time and not has_responded:
                    self._silent_until = _now() + SILENT_SECONDS
                return None

    async def _recorded(self, run_id: UUID | str) -> Run | None:
        """The run without its tasks; None if the recorder does not show it."""
        try:
            found = await self._recorder.get(Run, f"/runs/{run_id}", tasks="false")
        except RejectedError:
            return None
        self._unrecorded.pop(str(run_id), None)
        return found

    def _remember(self, run_id: str) -> None:
        self._unrecorded[run_id] = None
        if len(self._unrecorded) > _REMEMBERED:
            self._unrecorded.popitem(last=False)

    async def get(self, run_id: str) -> Run:
        """One run with its tasks."""
        return Run.model_validate_json((await self.snapshot(run_id)).body)

    async def version(self, run_id: str) -> int:
        """The version of a run; reads one row.

        Raises:
            RejectedError: the run is not found.
        """
        return (await self.snapshot(run_id, tasks=False)).version

    async def state(self, run_id: str) -> RunState | None:
        """The state of a run as the recorder shows it; None if it does not respond soon.

        Raises:
            RejectedError: the run is not found.
        """
        try:
            return (await self.snapshot(run_id, tasks=False, seconds=_SHORT_RESPONSE_SECONDS)).state
        except RetryableError:
            return None

    async def snapshot(
        self, run_id: str, since: int = 0, *, tasks: bool = True, seconds: float | None = None
    ) -> RunSnapshot:
        """One run as JSON, with the tasks that have changed since a version. A run that the
        recorder does not have yet is read from the api, as PENDING; so is one that was submitted
        here and that the recorder has not shown before it stopped responding."""
        params = {"since": since} if tasks else {"tasks": "false"}
        accepted_here = run_id in self._unrecorded
        if accepted_here:
            seconds = _SHORT_RESPONSE_SECONDS
        try:
            found = await self._recorder.call(
                "GET", f"/runs/{run_id}", params=params, seconds=seconds
            )
        except RejectedError as error:
            if error.rejection.code is not RejectionCode.NOT_FOUND:
                raise
            return await self._accepted(run_id)
        except RetryableError:
            if not accepted_here:
                raise
            return await self._accepted(run_id)
        self._unrecorded.pop(run_id, None)
        version, state = found.headers["X-Run-Version"], found.headers["X-Run-State"]
        return RunSnapshot(int(version), RunState(state), found.content)

    async def part(self, kind: type[C], run_id: UUID | str, path: str, /, **params: Any) -> C:
        """What the recorder has about a run at a path; nothing if it does not have the run yet.

        Raises:
            RejectedError: the run is not found.
        """
        try:
            return await self._recorder.get(kind, path, **params)
        except RejectedError as error:
            if error.rejection.code is not RejectionCode.NOT_FOUND:
                raise
            await self._accepted(str(run_id))
            return kind()

    async def _accepted(self, run_id: str) -> RunSnapshot:
        """The run as the api accepted it."""
        run = _pending(await self._api.get(SubmittedRun, f"/runs/{run_id}"))
        return RunSnapshot(0, run.state, run.to_json())


def _now() -> float:
    return asyncio.get_running_loop().time()


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
