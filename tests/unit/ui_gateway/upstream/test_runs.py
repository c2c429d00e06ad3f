"""Changes of runs wait until the recorder shows them, for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.resources import TaskPage
from headrace_contracts.states import RunState
from headrace_ui_gateway.upstream import runs as runs_module
from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs

ID = UUID(int=1)
SUBMITTED = {
    "run_id": str(ID),
    "namespace": "default",
    "experiment_id": str(UUID(int=2)),
    "display_name": "r",
    "pipeline": {"name": "p"},
    "submitted_at": "2026-01-02T03:04:05Z",
}
RUN = {
    **{name: value for name, value in SUBMITTED.items() if name != "submitted_at"},
    "created_at": "2026-01-02T03:04:05Z",
    "state": "RUNNING",
    "version": 4,
}
REQUEST = SubmitRun(pipeline_spec={"root": {}})


class World:
    """`Runs` over an api that accepts everything, and a recorder that counts its reads."""

    def __init__(self, recorder: Callable[[], Any], submitted: dict[str, Any] = SUBMITTED) -> None:
        no_bus: Any = None
        self.announcements = RunAnnouncements(no_bus, asyncio.Event())
        self.reads = 0
        self.on_accepted: Callable[[], None] = lambda: None

        def api(request: httpx.Request) -> httpx.Response:
            self.on_accepted()
            return httpx.Response(201, json=submitted)

        async def answer(request: httpx.Request) -> httpx.Response:
            self.reads += 1
            found = recorder()
            if isinstance(found, Exception):
                raise found
            if found is None:
                await asyncio.sleep(60)
            if isinstance(found, dict):
                return httpx.Response(200, json=found)
            return httpx.Response(404, json={"code": "NOT_FOUND", "detail": "no"})

        self.runs = Runs(
            ServiceClient("api", "http://api", "t", httpx.MockTransport(api)),
            ServiceClient("recorder", "http://recorder", "t", httpx.MockTransport(answer)),
            self.announcements,
        )


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "VISIBLE_WITHIN_SECONDS", 0.2)
    monkeypatch.setattr(runs_module, "_FIRST_FALLBACK_SECONDS", 0.02)


async def test_a_submitted_run_is_read_once_after_its_announcement() -> None:
    world = World(lambda: RUN)
    # The announcement arrives before the api's answer.
    world.on_accepted = lambda: world.announcements.announce(str(ID))
    run, duplicate = await world.runs.submit(REQUEST)
    assert (run.state, duplicate, world.reads) == (RunState.RUNNING, False, 1)


async def test_announcements_of_other_runs_cause_no_reads() -> None:
    world = World(lambda: RUN)
    submitting = asyncio.create_task(world.runs.submit(REQUEST))
    await asyncio.sleep(0.02)
    for number in range(100):
        world.announcements.announce(str(UUID(int=1000 + number)))
    await asyncio.sleep(0)
    assert world.reads == 0
    world.announcements.announce(str(ID))
    assert (await submitting)[0].version == 4
    assert world.reads == 1


async def test_without_an_announcement_the_recorder_is_read_at_growing_intervals(
    brief: None,
) -> None:
    world = World(lambda: RUN if world.reads > 2 else 404)
    run, _ = await world.runs.submit(REQUEST)
    assert (run.version, world.reads) == (4, 3)


@pytest.mark.parametrize("recorder", [404, None, httpx.ConnectError("refused")])
async def test_a_recorder_that_does_not_answer_delays_a_submission_for_a_bounded_time(
    brief: None, recorder: Any
) -> None:
    world = World(lambda: recorder)
    run, _ = await asyncio.wait_for(world.runs.submit(REQUEST), 1)
    assert (run.run_id, run.state, run.version) == (ID, RunState.PENDING, 0)
    assert 1 <= world.reads < 10


async def test_an_earlier_run_with_the_same_key_is_read_at_once() -> None:
    world = World(lambda: RUN, {**SUBMITTED, "duplicate": True})
    run, duplicate = await world.runs.submit(REQUEST, "key")
    assert (run.version, duplicate, world.reads) == (4, True, 1)


async def test_an_operation_waits_until_its_effect_is_visible() -> None:
    world = World(lambda: {**RUN, "archived": world.reads > 1})
    archiving = asyncio.create_task(world.runs.operate(ID, "archive"))
    await asyncio.sleep(0.02)
    assert (world.reads, archiving.done()) == (1, False)
    world.announcements.announce(str(ID))
    await archiving
    assert world.reads == 2


async def test_an_operation_without_a_visible_effect_does_not_wait() -> None:
    world = World(lambda: RUN)
    await world.runs.operate(ID, "pause")
    assert world.reads == 0


async def test_a_deletion_waits_until_the_run_is_gone() -> None:
    world = World(lambda: 404)
    world.on_accepted = lambda: world.announcements.announce(str(ID))
    await world.runs.delete(ID)
    assert world.reads == 1


async def test_a_silent_recorder_delays_only_the_first_of_many_submissions(brief: None) -> None:
    world = World(lambda: None)
    await world.runs.submit(REQUEST)
    reads = world.reads
    for _ in range(20):
        run, _ = await world.runs.submit(REQUEST)
        assert run.state is RunState.PENDING
    assert world.reads == reads


async def test_a_run_that_the_recorder_does_not_have_yet_has_no_tasks_and_is_found() -> None:
    world = World(lambda: 404)
    found = await world.runs.part(TaskPage, ID, "/tasks", run_id=ID)
    assert found == TaskPage()
    assert (await world.runs.snapshot(str(ID))).state is RunState.PENDING
