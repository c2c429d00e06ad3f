"""The objects of deleted runs are deleted in the background, whatever the object store does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest
from headrace_contracts.ids import new_id
from headrace_contracts.messages import events as e
from headrace_contracts.messages.events import PipelineIdentity
from headrace_contracts.object_keys import run_prefix
from headrace_recorder.retention import deletion as deletions
from headrace_recorder.retention import store
from prometheus_client import REGISTRY

from tests.integration.recorder.conftest import artifact, made, started
from tests.support.submissions import submitted

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder


def folder(recorder: Recorder, run: UUID) -> str:
    return run_prefix(recorder.namespace, "p", run)


async def run_with_objects(recorder: Recorder, count: int = 3) -> UUID:
    """A run with objects in its folder."""
    run = await recorder.submit(pipeline=PipelineIdentity(name="p"))
    prefix = folder(recorder, run)
    recorder.objects.stored |= {f"{prefix}{number:04}": b"x" for number in range(count)}
    await recorder.record(started(run))
    return run


def left(recorder: Recorder, run: UUID) -> list[str]:
    """The names of the objects in the folder of a run."""
    prefix = folder(recorder, run)
    found = (key for key in recorder.objects.stored if key.startswith(prefix))
    return sorted(key.removeprefix(prefix) for key in found)


async def delete(recorder: Recorder, *runs: UUID) -> None:
    await recorder.record(*(e.RunDeleted(run_id=run) for run in runs))


async def requests(recorder: Recorder, *runs: UUID) -> list[dict[str, Any]]:
    """The requests to delete objects of these runs."""
    async with recorder.database.read() as connection:
        rows = await connection.fetch(
            "SELECT *, due_at - now() AS pause FROM object_deletion WHERE run_id = ANY($1)", runs
        )
    return [dict(row) for row in rows]


@pytest.fixture(autouse=True)
async def _no_requests(recorder: Recorder) -> None:
    """Requests of other tests are removed."""
    await recorder.database.transact(
        lambda unit: unit.connection.execute("DELETE FROM object_deletion")
    )


async def make_due(recorder: Recorder, run: UUID) -> None:
    """Let the pause before the next attempt be over."""
    await recorder.database.transact(
        lambda unit: unit.connection.execute(
            "UPDATE object_deletion SET due_at = now() WHERE run_id = $1", run
        )
    )


@asynccontextmanager
async def background(recorder: Recorder) -> AsyncIterator[None]:
    """The loop that deletes objects."""
    loop = asyncio.create_task(recorder.deletion.run())
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


async def until_deleted(recorder: Recorder, run: UUID) -> None:
    async with asyncio.timeout(10):
        while True:
            if not await requests(recorder, run):
                break
            await asyncio.sleep(0.02)
    assert left(recorder, run) == []


async def waiting_transactions(recorder: Recorder) -> int:
    """How many open transactions have waited for the recorder for 0.1 s."""
    await asyncio.sleep(0.2)
    async with recorder.database.read() as connection:
        found: int = await connection.fetchval(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE state = 'idle in transaction' AND state_change < now() - interval '100 ms'
            """
        )
    return found


async def test_a_slow_store_delays_no_events(recorder: Recorder) -> None:
    run, other = await run_with_objects(recorder), await run_with_objects(recorder)
    recorder.objects.delay_seconds = 2.0
    async with background(recorder):
        await delete(recorder, run)
        async with asyncio.timeout(1.9):
            await recorder.objects.listing.wait()
            assert await waiting_transactions(recorder) == 0
            for revision in range(2, 10):
                await recorder.record(e.RunPaused(run_id=other, revision=revision))
            assert (await recorder.get(f"/runs/{other}"))["state"] == "PAUSED"
            await recorder.get(f"/runs/{run}", expect=404)
        assert len(left(recorder, run)) == 3
        await until_deleted(recorder, run)


async def test_an_unavailable_store_delays_no_events(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_pause", lambda _: 0.01)
    monkeypatch.setattr(deletions, "_POLL_SECONDS", 0.05)
    run, other = await run_with_objects(recorder), await run_with_objects(recorder)
    recorder.objects.available = False
    async with background(recorder):
        await delete(recorder, run)
        async with asyncio.timeout(5):
            while not (await requests(recorder, run))[0]["attempts"] > 1:
                await recorder.record(e.RunPaused(run_id=other, revision=2))
        assert (await recorder.get(f"/runs/{other}"))["state"] == "PAUSED"
        await recorder.get(f"/runs/{run}", expect=404)
        assert len(left(recorder, run)) == 3
        recorder.objects.available = True
        await until_deleted(recorder, run)
    assert len(left(recorder, other)) == 3


async def test_pauses_between_attempts_grow(recorder: Recorder) -> None:
    run = await run_with_objects(recorder)
    recorder.objects.available = False
    await delete(recorder, run)
    pauses = []
    for _ in range(4):
        assert await recorder.deletion.delete_next()
        assert not await recorder.deletion.delete_next(), "the next attempt is not due"
        (request,) = await requests(recorder, run)
        pauses.append(request["pause"].total_seconds())
        await make_due(recorder, run)
    assert 0 < pauses[0] <= 1
    assert 3 < pauses[3] <= 8
    assert deletions._pause(1000) <= 300
    recorder.objects.available = True
    await recorder.delete_objects()
    assert (left(recorder, run), await requests(recorder, run)) == ([], [])


async def test_an_object_that_cannot_be_deleted_blocks_no_other(recorder: Recorder) -> None:
    first, second = await run_with_objects(recorder), await run_with_objects(recorder)
    stuck = f"{folder(recorder, first)}0001"
    recorder.objects.undeletable = {stuck}
    failed = REGISTRY.get_sample_value(
        "headrace_recorder_deleted_objects_total", {"outcome": "failed"}
    )
    await delete(recorder, first, second)
    await recorder.delete_objects()
    assert (left(recorder, first), left(recorder, second)) == (["0001"], [])
    (request,) = await requests(recorder, first, second)
    assert (request["run_id"], request["attempts"]) == (first, 1)
    assert (failed or 0) + 1 == REGISTRY.get_sample_value(
        "headrace_recorder_deleted_objects_total", {"outcome": "failed"}
    )
    recorder.objects.undeletable = set()
    await make_due(recorder, first)
    await recorder.delete_objects()
    assert (left(recorder, first), await requests(recorder, first)) == ([], [])


async def test_an_unexpected_error_of_one_run_blocks_no_other(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await run_with_objects(recorder), await run_with_objects(recorder)
    pages = recorder.objects.pages

    def list_all_but_first(prefix: str) -> AsyncIterator[list[str]]:
        if str(first) in prefix:
            raise ValueError("unreadable answer")
        return pages(prefix)

    monkeypatch.setattr(recorder.objects, "pages", list_all_but_first)
    await delete(recorder, first, second)
    await recorder.delete_objects()
    assert (len(left(recorder, first)), left(recorder, second)) == (3, [])
    assert len(await requests(recorder, first, second)) == 1


async def test_an_attempt_that_crashed_is_repeated(recorder: Recorder) -> None:
    run = await run_with_objects(recorder)
    await delete(recorder, run)
    claim = await recorder.database.transact(lambda unit: store.claim(unit.connection, 300))
    assert claim is not None
    assert not await recorder.deletion.delete_next(), "another process has claimed it"
    await make_due(recorder, run)
    await recorder.delete_objects()
    assert (left(recorder, run), await requests(recorder, run)) == ([], [])


async def test_a_request_during_an_attempt_is_not_lost(recorder: Recorder) -> None:
    run = await run_with_objects(recorder)
    await delete(recorder, run)
    claim = await recorder.database.transact(lambda unit: store.claim(unit.connection, 300))
    assert claim is not None
    await recorder.record(made(run))  # an event of a step that still ran, and wrote objects
    await recorder.database.transact(lambda unit: store.finish(unit.connection, claim))
    assert len(left(recorder, run)) == 3
    await recorder.delete_objects()
    assert (left(recorder, run), await requests(recorder, run)) == ([], [])


async def test_objects_are_deleted_in_batches(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_with_objects(recorder, 25)
    recorder.objects.page_size = 10
    batches: list[int] = []
    deleted = recorder.objects.delete_many

    async def delete_many(keys: list[str]) -> dict[str, str]:
        batches.append(len(keys))
        if len(batches) == 1:  # in use since the attempt has begun
            uri = recorder.objects.uri(f"{folder(recorder, run)}0020")
            user = await recorder.submit()
            await recorder.record(started(user), made(user, artifact(uri)))
        return await deleted(keys)

    monkeypatch.setattr(recorder.objects, "delete_many", delete_many)
    await delete(recorder, run)
    await recorder.delete_objects()
    assert batches == [10, 10, 4]
    assert left(recorder, run) == ["0020"]


async def test_a_deletion_before_the_submission_deletes_the_objects_later(
    recorder: Recorder,
) -> None:
    run = new_id()
    await delete(recorder, run)
    assert await requests(recorder, run) == []  # the folder is not known
    recorder.objects.stored[f"{folder(recorder, run)}a"] = b"x"
    pipeline = PipelineIdentity(name="p")
    await recorder.record(submitted(run, namespace=recorder.namespace, pipeline=pipeline))
    await recorder.delete_objects()
    assert left(recorder, run) == []
    await recorder.get(f"/runs/{run}", expect=404)


async def test_a_large_folder_is_deleted_however_slow_the_store_is(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt gets further, although none has the time to list the whole folder."""
    monkeypatch.setattr(deletions, "_LONGEST_ATTEMPT_SECONDS", 1.0)
    recorder.objects.page_size = 10
    run = await run_with_objects(recorder, 60)
    await delete(recorder, run)
    recorder.objects.delay_seconds = 0.2
    sizes = [60]
    while await requests(recorder, run):
        await make_due(recorder, run)
        assert await recorder.deletion.delete_next()
        sizes.append(len(left(recorder, run)))
        assert sizes[-1] < sizes[-2] or not await requests(recorder, run)
    assert left(recorder, run) == []


async def test_ten_thousand_objects_are_deleted(recorder: Recorder) -> None:
    run = await run_with_objects(recorder, 10_000)
    await delete(recorder, run)
    await recorder.delete_objects()
    assert (left(recorder, run), await requests(recorder, run)) == ([], [])


async def test_an_unexpected_error_does_not_end_the_loop(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_POLL_SECONDS", 0.02)
    run = await run_with_objects(recorder)
    claim = store.claim
    errors = 0

    async def failing(connection: Any, seconds: float) -> Any:
        nonlocal errors
        if errors < 8:
            errors += 1
            raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
        return await claim(connection, seconds)

    monkeypatch.setattr(store, "claim", failing)
    async with background(recorder):
        await delete(recorder, run)
        await until_deleted(recorder, run)
