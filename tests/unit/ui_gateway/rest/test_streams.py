"""Server-sent events of a run, without a bus."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace_contracts.failures import RejectionCode
from headrace_contracts.states import RunState
from headrace_runtime.errors import RejectedError
from headrace_ui_gateway.rest.streams import run_events, run_snapshots
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.models import RunEvents, RunSnapshot


def announcements() -> RunAnnouncements:
    no_bus: Any = None
    return RunAnnouncements(no_bus, asyncio.Event())


def deleted() -> RejectedError:
    return RejectedError.because(RejectionCode.NOT_FOUND, "there is no run")


async def test_the_stream_of_a_run_ends_when_the_run_is_deleted() -> None:
    live = announcements()
    answers: list[Any] = [RunSnapshot(1, RunState.RUNNING, b"{}"), deleted()]

    async def read(_: int) -> RunSnapshot:
        answer = answers.pop(0)
        live.announce("a")
        if isinstance(answer, Exception):
            raise answer
        return RunSnapshot(answer.version, answer.state, answer.body)

    async with asyncio.timeout(60):
        parts = [part async for part in run_snapshots(live, "a", read, 1000.0, 60)]
    assert parts == [b"event: run\nid: 1\ndata: {}\n\n"]


async def test_the_events_of_a_run_end_when_the_run_is_deleted() -> None:
    async def read(_: int) -> tuple[RunEvents, bool]:
        raise deleted()

    assert [part async for part in run_events(announcements(), "a", read, 0, 60)] == []
