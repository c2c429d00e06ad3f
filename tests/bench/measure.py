"""One measurement: runs are submitted at once, until every row that they cause is committed.

It ends when the gateway shows the final state of every run, and no service has a message to read
or to acknowledge. Services acknowledge and publish after their commit, so nothing is left then.
Waiting does not load the deployment, since it subscribes to the recorder's announcements.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import nats
from headrace_contracts.messages.subjects import COMMANDS, EVENTS
from nats.aio.client import Client

from tests.bench.cpu import Group, trees_milliseconds
from tests.support.deployment import SERVICES, Deployment

FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
_LOOK_SECONDS = 0.002
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """The time of some runs in milliseconds: until the last commit, and until the user saw the
    end."""

    wall_ms: float
    shown_ms: float
    cpu_ms: float
    processes: dict[str, float]
    """CPU time of each server and service, without the fork server and launchers."""


class Bench:
    """Measures a running deployment."""

    def __init__(self, deployment: Deployment, group: Group, bus: Client) -> None:
        self._group = group
        self._bus = bus
        self._js = bus.jetstream()
        self._http = httpx.AsyncClient(
            base_url=f"{deployment.url}/api/v1", timeout=60, trust_env=False
        )
        data = deployment.data
        state = json.loads((data / "run/state.json").read_text())
        self._pids = {name: entry["pid"] for name, entry in state["processes"].items()}
        self._secrets = json.loads((data / "secrets.json").read_text())
        self._postgres_port = json.loads((data / "ports.json").read_text())["postgres"]

    def dsn(self, service: str) -> str:
        """A connection to a service's schema."""
        place = f"{service}:{self._secrets[service]}@127.0.0.1:{self._postgres_port}"
        return f"postgresql://{place}/headrace?options=-csearch_path%3D{service}"

    async def run(self, spec: dict[str, Any], runs: int) -> Measured:
        """Submit `runs` runs of `spec` at once, and wait until all rows are committed.

        Raises:
            RuntimeError: a run did not succeed.
        """
        await self.quiet()
        states: dict[str, str] = {}
        news = asyncio.Event()

        async def heard(message: Any) -> None:
            change = json.loads(message.data)
            states[change["run_id"]] = change["state"]
            news.set()

        listening = await self._bus.subscribe("live.run.*", cb=heard)
        await self._bus.flush()
        cpu, processes = self._group.milliseconds(), self._processes()
        began = time.monotonic()
        request = {"pipeline_spec": spec, "caching": False}
        responses = await asyncio.gather(
            *(self._http.post("/runs", json=request) for _ in range(runs))
        )
        ids = {response.raise_for_status().json()["run_id"] for response in responses}
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not all(states.get(run_id) in FINAL for run_id in ids):
                await news.wait()
                news.clear()
        shown = time.monotonic() - began
        await self._drained()
        wall = time.monotonic() - began
        await listening.unsubscribe()
        await self._check(ids)
        await self.quiet()
        return Measured(
            wall_ms=wall * 1000,
            shown_ms=shown * 1000,
            cpu_ms=self._group.milliseconds() - cpu,
            processes={name: ms - processes[name] for name, ms in self._processes().items()},
        )

    async def quiet(self) -> None:
        """Wait until every outbox row is marked as published, which is measured too."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._drained()
            for service in SERVICES:
                if service == "ui_gateway":  # it has no tables
                    continue
                connection = await asyncpg.connect(self.dsn(service))
                try:
                    count = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
                    while await connection.fetchval(count):  # noqa: ASYNC110  # rows tell nobody
                        await asyncio.sleep(0.05)
                finally:
                    await connection.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _processes(self) -> dict[str, float]:
        return trees_milliseconds(self._pids, leave_out="--serve")

    async def _drained(self) -> None:
        while True:
            consumers = [
                one for name in (EVENTS, COMMANDS) for one in await self._js.consumers_info(name)
            ]
            if not any(one.num_pending or one.num_ack_pending for one in consumers):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _check(self, run_ids: set[str]) -> None:
        for run_id in run_ids:
            run = (await self._http.get(f"/runs/{run_id}")).raise_for_status().json()
            if run["state"] != "SUCCEEDED":
                raise RuntimeError(f"run {run_id} ended {run['state']}: {run.get('error')}")


@asynccontextmanager
async def attached(deployment: Deployment, group: Group) -> AsyncIterator[Bench]:
    """Connect to a running deployment."""
    bus = await nats.connect(deployment.operator_nats_url)
    bench = Bench(deployment, group, bus)
    try:
        yield bench
    finally:
        await bench.close()
        await bus.close()
