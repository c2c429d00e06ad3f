"""Server-sent events of ``/api/v1``. Source: the HTML standard, "Server-sent events"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.models import RunEvents, RunSnapshot

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Of every stream: proxies must not store or buffer it."""
_HEARTBEAT = b": still here\n\n"
_RETRY_SECONDS = 1.0
"""Between two reads of a service that is unavailable; the stream stays open."""


async def run_snapshots(
    announcements: RunAnnouncements,
    run_id: str,
    read: Callable[[int], Awaitable[RunSnapshot]],
    per_second: float,
    heartbeat_seconds: float,
) -> AsyncIterator[bytes]:
    """A run until it ends or is deleted: ``run`` with the whole run, then ``changes`` with the
    tasks that have changed. `read` returns the run with the tasks that have changed since a
    version."""
    sent = -1
    async with announcements.watch(run_id) as changed:
        while not announcements.stopping:
            changed.clear()
            try:
                run = await read(max(sent, 0))
            except RetryableError:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except RejectedError:
                return  # the run was deleted
            if run.version != sent:
                kind = b"changes" if sent > 0 else b"run"
                sent = run.version
                yield b"event: %s\nid: %d\ndata: %s\n\n" % (kind, sent, run.body)
                if run.state.final:
                    return
            await asyncio.sleep(1 / per_second)
            if not await announcements.wait(changed, heartbeat_seconds):
                yield _HEARTBEAT


async def run_events(
    announcements: RunAnnouncements,
    run_id: str,
    read: Callable[[int], Awaitable[tuple[RunEvents, bool]]],
    after: int,
    heartbeat_seconds: float,
) -> AsyncIterator[bytes]:
    """The events of a run, each with its `seq` as the id, then ``end`` when the run has ended. The
    stream of a deleted run ends without it.
    `read` returns the events after a `seq`, and whether the run had ended before it read them."""
    async with announcements.watch(run_id) as changed:
        while not announcements.stopping:
            changed.clear()
            try:
                found, ended = await read(after)
            except RetryableError:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except RejectedError:
                return  # the run was deleted
            for event in found.events:
                after = event.seq
                yield b"id: %d\ndata: %s\n\n" % (after, event.to_json())
            if found.events:
                continue
            if ended:
                yield b"event: end\ndata: {}\n\n"
                return
            if not await announcements.wait(changed, heartbeat_seconds):
                yield _HEARTBEAT


async def run_list_changes(
    announcements: RunAnnouncements, per_second: float, heartbeat_seconds: float
) -> AsyncIterator[bytes]:
    """An empty ``runs`` event whenever any run has changed: the client then reads the list."""
    yield b"event: runs\ndata: {}\n\n"
    async with announcements.watch() as changed:
        while not announcements.stopping:
            has_changed = await announcements.wait(changed, heartbeat_seconds)
            changed.clear()
            yield b"event: runs\ndata: {}\n\n" if has_changed else _HEARTBEAT
            await asyncio.sleep(1 / per_second)
