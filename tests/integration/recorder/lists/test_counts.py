"""The maintained counts equal those of the rows, whatever changes the rows concurrently."""

from __future__ import annotations

import asyncio
import io
import random
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import new_id
from headrace_contracts.messages import events as e
from headrace_contracts.values import Outputs
from headrace_recorder.runs import store
from headrace_runtime.pg.database import Unit

from tests.integration.recorder.conftest import measured, started
from tests.support.submissions import submitted

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder

_BY = "namespace, experiment_id, recurring_run_id, state, archived"
_FAILURE = Failure(code=FailureCode.COMMAND_FAILED, message="no")


async def drift(recorder: Recorder) -> list[object]:
    """The groups whose maintained count differs from that of the rows."""
    async with recorder.database.read() as connection:
        return list(
            await connection.fetch(
                f"""
                SELECT {_BY}, sum(amount) FROM (
                    SELECT {_BY}, amount FROM run_count
                    UNION ALL
                    SELECT {_BY}, -count(*) FROM run
                    WHERE submission IS NOT NULL AND NOT deleted GROUP BY {_BY}
                ) AS difference
                GROUP BY {_BY} HAVING sum(amount) <> 0
                """
            )
        )


def some_events(run_id: UUID, namespace: str, draw: random.Random) -> list[e.Event]:
    """The first events of a run, a random number of them."""
    born = submitted(
        run_id,
        namespace=namespace,
        experiment_id=UUID(int=draw.randrange(3)),
        recurring_run_id=draw.choice([None, UUID(int=9)]),
    )
    end: e.Event = e.RunSucceeded(run_id=run_id, revision=4, outputs=Outputs())
    if draw.random() < 0.5:
        end = e.RunFailed(run_id=run_id, revision=4, failure=_FAILURE)
    events: list[e.Event] = [
        born,
        started(run_id),
        e.RunPaused(run_id=run_id, revision=2),
        e.RunResumed(run_id=run_id, revision=3),
        measured(run_id, x=draw.random()),
        end,
        e.RunArchived(run_id=run_id),
        e.RunUnarchived(run_id=run_id),
        e.RunDeleted(run_id=run_id),
    ]
    return events[: draw.randrange(1, len(events) + 1)]


async def test_counts_do_not_drift_under_concurrency(recorder: Recorder) -> None:
    draw = random.Random(7)
    events: list[e.Event] = []
    for _ in range(60):
        events += some_events(new_id(), recorder.namespace, draw)
    draw.shuffle(events)  # in any order, also before the submission
    batches = [events[start : start + 7] for start in range(0, len(events), 7)]
    for start in range(0, len(batches), 6):
        await asyncio.gather(*(recorder.record(*batch) for batch in batches[start : start + 6]))
    assert await drift(recorder) == []
    async with recorder.database.read() as connection:
        there = await connection.fetchval(
            "SELECT count(*) FROM run WHERE namespace = $1 AND NOT deleted", recorder.namespace
        )
    assert there > 20
    page = await recorder.get("/runs", page_size=200)
    assert (page["total_size"], len(page["runs"])) == (there, there)


async def test_concurrent_events_of_a_new_run_are_all_recorded(recorder: Recorder) -> None:
    for _ in range(10):
        run_id = new_id()
        await asyncio.gather(
            recorder.record(submitted(run_id, namespace=recorder.namespace)),
            recorder.record(started(run_id)),
            recorder.record(measured(run_id, x=1)),
            recorder.record(e.RunArchived(run_id=run_id)),
        )
        run = await recorder.get(f"/runs/{run_id}")
        assert (run["state"], run["archived"], run["metrics"]) == ("RUNNING", True, {"x": 1})
        assert [task["state"] for task in run["tasks"]] == ["SUCCEEDED"]
    assert await drift(recorder) == []


async def test_an_overdue_end_is_counted_and_sorted_like_others(recorder: Recorder) -> None:
    run_id = await recorder.submit()
    await recorder.record(started(run_id))
    await recorder.record(e.RunFailed(run_id=run_id, revision=2, failure=_FAILURE))
    assert (await recorder.get("/runs", state="RUNNING"))["total_size"] == 1
    await recorder.database.transact(lambda unit: store.show_overdue_ends(unit.connection, 0))
    assert (await recorder.get("/runs", state="RUNNING"))["total_size"] == 0
    assert (await recorder.get("/runs", state="FAILED"))["total_size"] == 1
    (shown,) = (await recorder.get("/runs", sort_by="finished_at desc"))["runs"]
    async with recorder.database.read() as connection:
        finished = await connection.fetchval("SELECT finished_at FROM run WHERE run_id=$1", run_id)
    assert shown["finished_at"].startswith(finished.strftime("%Y-%m-%dT%H:%M:%S"))
    assert await drift(recorder) == []


async def test_any_statement_keeps_the_counts_correct(recorder: Recorder) -> None:
    """Statements of older versions, and COPY."""
    columns = ["run_id", "namespace", "state", "revision", "submission", "history", "archived",
               "deleted"]  # fmt: skip
    ids = [uuid4() for _ in range(3)]
    rows = "".join(
        f"{run_id},{recorder.namespace},{state},0,{{}},{{}},f,f\n"
        for run_id, state in zip(ids, ("PENDING", "PENDING", "RUNNING"), strict=True)
    )

    async def copy(unit: Unit) -> None:
        await unit.connection.copy_to_table(
            "run", source=io.BytesIO(rows.encode()), columns=columns, format="csv"
        )
        await unit.connection.execute(
            "UPDATE run SET state = 'FAILED' WHERE namespace = $1 AND state = 'RUNNING'",
            recorder.namespace,
        )
        await unit.connection.execute("DELETE FROM run WHERE run_id = ANY($1)", [ids[0], ids[2]])

    await recorder.database.transact(copy)
    assert await drift(recorder) == []

    async def clean(unit: Unit) -> None:
        """Other tests cannot read these rows as runs."""
        await unit.connection.execute("DELETE FROM run WHERE run_id = ANY($1)", ids)

    await recorder.database.transact(clean)
    assert await drift(recorder) == []
