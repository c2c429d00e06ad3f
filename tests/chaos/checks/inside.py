"""Looks inside, with the operator's credentials: stores, bus, data folder, processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import aioboto3
import asyncpg
import httpx
import nats
from headrace_contracts.messages.subjects import DEAD_LETTERS

from tests.chaos import processes
from tests.chaos.checks.observation import Backlog, Observation
from tests.chaos.testbed import Testbed
from tests.chaos.workload.pipelines import DAEMON

_STATEFUL = ("api", "scheduler", "executor", "recorder")
_STATES = {
    "api": "SELECT run_id::text, state FROM api.run",
    "scheduler": "SELECT run_id::text, state FROM scheduler.run WHERE submission IS NOT NULL",
    "recorder": "SELECT run_id::text, state FROM recorder.run WHERE NOT deleted",
}
_OPEN = {
    "launches that have not ended": "SELECT count(*) FROM executor.launch WHERE state <> 'ENDED'",
    "runs to clean": "SELECT count(*) FROM executor.pending_clean",
    **{
        f"messages in the outbox of {schema}": (
            f"SELECT count(*) FROM {schema}.outbox WHERE published_at IS NULL"
        )
        for schema in _STATEFUL
    },
}


async def read_states(bed: Testbed, seen: Observation) -> None:
    """The state of each run of the round in each service's own store."""
    database = await _connect(bed)
    try:
        for source, query in _STATES.items():
            rows = await database.fetch(query)
            known = {run_id: state for run_id, state in rows if run_id in seen.runs}
            seen.states[source] = known
    finally:
        await database.close()


async def read_leftovers(bed: Testbed, seen: Observation) -> None:
    """What should be gone or settled by now. It may take a while: call it again."""
    database = await _connect(bed)
    try:
        seen.rows = {what: await database.fetchval(query) for what, query in _OPEN.items()}
    finally:
        await database.close()
    seen.folders = sorted(entry.name for entry in (bed.data / "steps").iterdir() if _is_run(entry))
    seen.orphans = [f"{pid} {command}" for pid, command in daemons(bed)]
    alive = await bed.in_thread(processes.of_deployment, bed.data)
    seen.processes = dict(Counter(process.role for process in alive))
    seen.orphans += [f"{p.pid} {p.command}" for p in alive if p.role == "step"]
    seen.shared_sockets = _shared_sockets(alive)
    await _read_bus(bed, seen)
    await _read_objects(bed, seen)


def daemons(bed: Testbed) -> list[tuple[int, str]]:
    """The daemons of steps that still run: process ids and command lines."""
    return processes.with_argument(str(bed.effects / DAEMON))


def settled(seen: Observation) -> bool:
    """Whether nothing is left that may still go away."""
    return not (
        seen.folders
        or seen.orphans
        or seen.objects
        or any(seen.rows.values())
        or any(one.pending or one.unacknowledged for one in seen.backlog)
        or seen.processes.get("launcher", 0) > 4
    )


async def read_idle_cpu(bed: Testbed, seconds: float) -> float:
    """CPU seconds per second of all processes of the deployment."""

    def used() -> float:
        return sum(processes.cpu_seconds(p.pid) for p in processes.of_deployment(bed.data))

    before = used()
    await asyncio.sleep(seconds)
    return max(0.0, used() - before) / seconds


def _is_run(entry: Path) -> bool:
    """The folder of a run; the executor keeps files of its own beside them."""
    return entry.is_dir() and len(entry.name) == 36


async def _connect(bed: Testbed) -> Any:
    port, password = bed.ports()["postgres"], bed.secrets()["postgres"]
    return await asyncpg.connect(
        host="127.0.0.1", port=port, user="postgres", password=password, database="headrace"
    )


async def _read_bus(bed: Testbed, seen: Observation) -> None:
    port = bed.ports()["nats_monitor"]
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        url = f"http://127.0.0.1:{port}/jsz"
        options = {"accounts": "1", "streams": "1", "consumers": "1", "config": "1"}
        report = (await client.get(url, params=options)).json()
    seen.backlog, seen.unbounded = [], []
    for account in report.get("account_details", ()):
        for stream in account.get("stream_detail", ()):
            if stream["config"]["max_bytes"] <= 0:
                seen.unbounded.append(stream["name"])
            for one in stream.get("consumer_detail", ()):
                seen.backlog.append(
                    Backlog(one["name"], one["num_pending"], one["num_ack_pending"])
                )
            state = stream["state"]
            if stream["name"] == DEAD_LETTERS and state["messages"]:
                await _read_dead_letters(bed, seen, state["first_seq"], state["last_seq"])


async def _read_dead_letters(bed: Testbed, seen: Observation, first: int, last: int) -> None:
    bus = await nats.connect(bed.deployment.operator_nats_url)
    try:
        stream = bus.jetstream()
        seen.dead_letters = []
        for number in range(first, last + 1):
            message = await stream.get_msg(DEAD_LETTERS, number)
            headers = dict(message.headers or {})
            body = (message.data or b"")[:200].decode(errors="replace")
            seen.dead_letters.append(f"{message.subject} {json.dumps(headers)} {body}")
    finally:
        await bus.close()


async def _read_objects(bed: Testbed, seen: Observation) -> None:
    """The objects of runs that were deleted."""
    deleted = [
        (one.kind, one.run_id)
        for one in seen.submissions()
        if one.run_id is not None
        and any(op.kind == "delete" and op.status in (200, 202, 204) for op in one.operations)
    ]
    session = aioboto3.Session()
    seen.objects = []
    async with session.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{bed.ports()['s3']}",
        aws_access_key_id="headrace",
        aws_secret_access_key=bed.secrets()["s3"],
        region_name="us-east-1",
    ) as s3:
        for kind, run_id in deleted:
            prefix = f"runs/default/{kind}/{run_id}/"
            page = await s3.list_objects_v2(Bucket="headrace", Prefix=prefix)
            seen.objects += [entry["Key"] for entry in page.get("Contents", ())]


def _shared_sockets(alive: list[processes.Process]) -> list[str]:
    """Sockets that several processes hold. Postgres' processes share some by design."""
    holders: dict[str, list[processes.Process]] = defaultdict(list)
    for process in alive:
        if process.role in ("postgres", "postgres-backend"):
            continue
        for target in _open_sockets(process.pid):
            holders[target].append(process)
    found = []
    for target, several in sorted(holders.items()):
        if len(several) > 1:
            names = ", ".join(f"{p.role} {p.pid}" for p in several)
            found.append(f"{target} is open in {names}")
    return found


def _open_sockets(pid: int) -> set[str]:
    found = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(entry.path)
            if target.startswith("socket:"):
                found.add(target)
    except OSError:
        return set()
    return found
