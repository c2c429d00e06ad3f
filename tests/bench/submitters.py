"""Many clients that submit runs at the same time, until all their runs are accepted.

``python -m tests.bench.submitters DATA_FOLDER [CLIENTS [RUNS]]`` prints, for a running deployment,
the latency of the accepted submissions, how often a client was told to come back later (429), and
the latency of health checks, reads and cancellations meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx

from tests.support.routes import SPEC

_PROBE_SECONDS = 0.1


class Load:
    """What the clients share, and what they have measured."""

    def __init__(self, client: httpx.AsyncClient, runs: int) -> None:
        self.client = client
        self.left = runs
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[int] = Counter()
        self.run_ids: list[str] = []

    async def timed(self, kind: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; the time until a response that is not a 429 counts."""
        began = time.perf_counter()
        response = await self.client.request(method, path, **options)
        if response.status_code != 429:
            self.seconds[kind].append(time.perf_counter() - began)
        return response

    async def submit_all(self) -> None:
        """One client: submit runs until none is left, and come back later when told so."""
        body = {"pipeline_spec": SPEC}
        while self.left > 0:
            self.left -= 1
            while True:
                response = await self.timed("submit", "POST", "/api/v1/runs", json=body)
                self.statuses[response.status_code] += 1
                if response.status_code != 429:
                    break
                asked = float(response.headers["Retry-After"])
                await asyncio.sleep(asked * random.uniform(1, 1.5))
            if response.status_code == 201:
                self.run_ids.append(response.json()["run_id"])

    async def probe(self) -> None:
        """Check health, read and cancel until the load is over."""
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            await self.timed("health", "GET", "/api/v1/healthz")
            await self.timed("list", "GET", "/api/v1/runs", params={"page_size": 10})
            if self.run_ids:
                path = f"/api/v1/runs/{self.run_ids[-1]}"
                await self.timed("read", "GET", path)
                await self.timed("cancel", "POST", f"{path}/cancel")


async def measure(data: Path, clients: int, runs: int) -> str:
    """Put the load on a deployment, and describe what happened."""
    connection = json.loads((data / "connection.json").read_text())
    async with httpx.AsyncClient(
        base_url=connection["gateway_url"],
        headers={"Authorization": f"Bearer {connection['token']}"},
        timeout=120,
        limits=httpx.Limits(max_connections=clients + 10),
        trust_env=False,
    ) as client:
        load = Load(client, runs)
        probing = asyncio.create_task(load.probe())
        began = time.perf_counter()
        await asyncio.gather(*(load.submit_all() for _ in range(clients)))
        elapsed = time.perf_counter() - began
        probing.cancel()
    lines = [
        f"{clients} clients, {len(load.run_ids)} runs in {elapsed:.1f} s "
        f"({len(load.run_ids) / elapsed:.0f}/s), responses {dict(load.statuses)}",
        *(f"{kind:>8}: {_figures(seconds)}" for kind, seconds in load.seconds.items()),
    ]
    return "\n".join(lines)


def _figures(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    parts = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = (
        f"{name} {1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f} ms"
        for name, share in parts.items()
    )
    return f"{', '.join(found)} of {len(ordered)}"


if __name__ == "__main__":
    _, folder, *numbers = sys.argv
    counts = [int(number) for number in numbers] + [100, 5000][len(numbers) :]
    sys.stdout.write(asyncio.run(measure(Path(folder), *counts)) + "\n")
