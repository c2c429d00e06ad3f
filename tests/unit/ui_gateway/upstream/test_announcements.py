"""Announcements of changed runs, without a bus."""

from __future__ import annotations

import asyncio
from typing import Any

from headrace_ui_gateway.upstream.announcements import RunAnnouncements


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


async def test_an_announcement_before_the_wait_is_not_missed() -> None:
    live = announcements()
    async with live.collect() as announced:
        live.announce("a")
        live.announce("b")
        assert await announced.wait("a", 0)
        assert not await announced.wait("a", 0), "each announcement is returned once"


async def test_a_wait_ends_with_the_announcement_or_the_timeout() -> None:
    live = announcements()
    async with live.collect() as announced:
        waiting = asyncio.create_task(announced.wait("a", 5))
        await asyncio.sleep(0)
        live.announce("other")
        await asyncio.sleep(0)
        assert not waiting.done()
        live.announce("a")
        assert await asyncio.wait_for(waiting, 1)
        assert not await announced.wait("a", 0.01)
