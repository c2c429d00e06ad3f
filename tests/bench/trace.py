"""Breaks down the time of one step, from timestamps that a chain of steps leaves behind.

The services are not instrumented. A timestamp is the arrival of a message on the bus (at an
additional subscription), the start of a transaction (Postgres' ``now()`` in outbox and inbox), or
from the launcher's manifest. All are of one machine's clock.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

import asyncpg
import nats

from tests.bench.measure import Bench
from tests.bench.pipelines import STEPS, Shape, chain
from tests.support.deployment import Deployment

Moments = dict[tuple[str, str], float]
"""Seconds, by task ID and timestamp."""

LAYERS = (
    ("ended", "decide", "scheduler: deliver, begin"),
    ("decide", "launch", "scheduler: decide, write, commit, publish"),
    ("launch", "keep", "executor: deliver, begin"),
    ("keep", "command", "executor: write, commit, fork; launcher: make folders and files"),
    ("command", "delivered", "launcher: command, outputs"),
    ("delivered", "noted", "launcher: write the manifest; executor: see the end, begin"),
    ("noted", "succeeded", "executor: write, commit, publish"),
)


async def trace(bench: Bench, deployment: Deployment, length: int = 50) -> dict[str, float]:
    """Milliseconds of each layer, medians over the steps of one chain of no-op steps."""
    moments: Moments = {}
    bus = await nats.connect(deployment.operator_nats_url)

    async def tap(message: Any) -> None:
        now = time.time()
        body = json.loads(message.data)
        kind = message.subject.rsplit(".", 1)[1]
        if "attempt" not in message.subject or kind not in ("launch", "succeeded"):
            return
        task = body["task_id"]
        moments[task, kind] = now
        if kind == "succeeded":
            moments[task, "command"] = _seconds(body["started_at"])
            moments[task, "delivered"] = _seconds(body["finished_at"])

    for subject in ("evt.attempt.>", "cmd.attempt.>"):
        await bus.subscribe(subject, cb=tap)
    await bus.flush()
    for service in ("scheduler", "executor"):
        await _keep_handled(bench.dsn(service))
    await bench.run(STEPS["no-op"](Shape("trace", chain(length))), 1)
    await asyncio.sleep(0.2)
    await bus.close()
    moments |= await _transactions(bench)
    return _layers(moments)


async def _keep_handled(dsn: str) -> None:
    """Keep the messages that leave the outbox, which they do when their readers have them."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("""
        CREATE TABLE IF NOT EXISTS handled AS SELECT * FROM outbox WITH NO DATA;
        CREATE OR REPLACE FUNCTION keep_handled() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO handled SELECT OLD.*; RETURN NULL; END';
        CREATE OR REPLACE TRIGGER keep_handled AFTER DELETE ON outbox
            FOR EACH ROW EXECUTE FUNCTION keep_handled();
    """)
    await connection.close()


async def _messages(dsn: str) -> list[asyncpg.Record]:
    """What was in the outbox since `_keep_handled`."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT * FROM outbox UNION ALL SELECT * FROM handled")
    await connection.close()
    return list(rows)


async def _transactions(bench: Bench) -> Moments:
    """The start times of the transactions that staged or admitted a message about a task."""
    found: Moments = {}
    scheduler, executor = bench.dsn("scheduler"), bench.dsn("executor")
    for dsn, kind, moment in (
        (scheduler, "attempt.launch", "decide"),
        (executor, "attempt.succeeded", "noted"),
    ):
        for row in await _messages(dsn):
            body = json.loads(row["body"])
            if body["type"] == kind:
                found[body["task_id"], moment] = row["created_at"].timestamp()
    launches = await _ids(scheduler)
    connection = await asyncpg.connect(executor)
    for row in await connection.fetch("SELECT message_id, received_at FROM inbox"):
        if row["message_id"] in launches:
            found[launches[row["message_id"]], "keep"] = row["received_at"].timestamp()
    await connection.close()
    return found


async def _ids(dsn: str) -> dict[str, str]:
    """The tasks of launch commands, by message ID."""
    commands = [json.loads(row["body"]) | {"id": row["event_id"]} for row in await _messages(dsn)]
    return {str(one["id"]): one["task_id"] for one in commands if one["type"] == "attempt.launch"}


def _layers(moments: Moments) -> dict[str, float]:
    tasks = sorted(
        {task for task, moment in moments if moment == "succeeded"},
        key=lambda task: moments[task, "succeeded"],
    )
    for before, task in pairwise(tasks):
        moments[task, "ended"] = moments[before, "succeeded"]
    taken = {
        label: median((moments[t, end] - moments[t, begin]) * 1000 for t in tasks[1:])
        for begin, end, label in LAYERS
    }
    whole = median((moments[t, "succeeded"] - moments[t, "ended"]) * 1000 for t in tasks[1:])
    return {**taken, "whole step": whole}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
