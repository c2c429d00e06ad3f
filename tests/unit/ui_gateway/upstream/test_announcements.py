"""Announcements of changed runs, without a bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from headrace_ui_gateway.upstream import announcements as announcements_module
from headrace_ui_gateway.upstream.announcements import RunAnnouncements


class SilentBus:
    """A bus without messages."""

    def __init__(self) -> None:
        self.client = self
        self.is_subscribed = asyncio.Event()
        self.reconnect: Callable[[], None]

    def when_reconnected(self, call: Callable[[], None]) -> None:
        """Keep what a reconnection would call."""
        self.reconnect = call
        self.is_subscribed.set()

    async def subscribe(self, subject: str, cb: object) -> None:
        """Accept a subscription."""


def announcements() -> RunAnnouncements:
    no_bus: Any = None
    return RunAnnouncements(no_bus, asyncio.Event())


async def test_a_watcher_is_woken_for_its_run_and_a_list_watcher_for_every_run() -> None:
    live = announcements()
    async with live.watch("a") as one, live.watch() as every:
        live.announce("b")
        assert (one.is_set(), every.is_set()) == (False, True)
        live.announce("a")
        assert one.is_set()
    live.announce("a")


async def test_an_announcement_is_remembered_after_its_position() -> None:
    live = announcements()
    live.announce("a")
    position = live.count
    assert not live.since(position, "a")
    live.announce("b")
    assert not live.since(position, "a")
    live.announce("a")
    assert live.since(position, "a")


async def test_a_bounded_number_of_announcements_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements_module, "_REMEMBERED", 3)
    live = announcements()
    for run_id in ("a", "b", "c", "a", "d"):
        live.announce(run_id)
    assert [live.since(0, run_id) for run_id in "abcd"] == [True, False, True, True]


async def test_a_wait_ends_with_the_announcement_or_the_timeout() -> None:
    live = announcements()
    async with live.watch("a") as changed:
        waiting = asyncio.create_task(live.wait(changed, 5))
        await asyncio.sleep(0)
        live.announce("other")
        await asyncio.sleep(0)
        assert not waiting.done()
        live.announce("a")
        assert await asyncio.wait_for(waiting, 1)
        changed.clear()
        assert not await live.wait(changed, 0.01)


async def test_watchers_are_woken_when_the_service_cancels_its_loops_at_the_stop() -> None:
    """The service wakes first, and cancels the loop before the loop has noticed the stop."""
    stop = asyncio.Event()
    live = RunAnnouncements(SilentBus(), stop)  # type: ignore[arg-type]
    async with live.watch("a") as changed:
        loop = asyncio.create_task(live.run())
        await asyncio.sleep(0)
        stop.set()
        loop.cancel()
        assert await live.wait(changed, 5)
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_every_watcher_is_woken_after_a_reconnection() -> None:
    """An announcement may have been lost meanwhile."""
    bus, stop = SilentBus(), asyncio.Event()
    live = RunAnnouncements(bus, stop)  # type: ignore[arg-type]
    running = asyncio.create_task(live.run())
    async with live.watch("a") as one, live.watch() as every:
        await bus.is_subscribed.wait()
        bus.reconnect()
        assert (one.is_set(), every.is_set()) == (True, True)
    stop.set()
    await running
