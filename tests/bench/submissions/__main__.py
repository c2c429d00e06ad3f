"""Many clients that submit runs at the same time, until all their runs are accepted.

``python -m tests.bench.submissions DATA_FOLDER [CLIENTS [RUNS]]`` prints, for a running deployment,
the latency of the accepted submissions, how often a client was told to come back later (429), and
the latency of health checks, reads and cancellations meanwhile. The clients speak HTTP over plain
sockets: with 100 clients of an HTTP library in one process, that process is what one measures.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.routes import SPEC

_PROBE_SECONDS = 0.1


class Connection:
    """One connection to the gateway."""

    def __init__(self, url: str, token: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname, place.port
        self._token = token

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, float, bytes]:
        """Send a request; returns the status, the seconds until the response, and its body."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in answer[1:] if line)
        content = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(answer[0].split()[1]), time.perf_counter() - began, content


class Load:
    """What the clients share, and what they have measured."""

    def __init__(self, url: str, token: str, runs: int) -> None:
        self._place = (url, token)
        self._left = runs
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[int] = Counter()
        self.run_ids: list[str] = []

    async def submit_all(self) -> None:
        """One client: submit runs until none is left, and come back later when told so."""
        connection = Connection(*self._place)
        await connection.open()
        body = json.dumps({"pipeline_spec": SPEC}).encode()
        while self._left > 0:
            self._left -= 1
            status = 429
            while status == 429:
                status, seconds, content = await connection.ask("POST", "/api/v1/runs", body)
                self.statuses[status] += 1
                if status == 429:
                    self.seconds["refused"].append(seconds)
                    await asyncio.sleep(random.uniform(1.0, 1.5))
            self.seconds["accepted"].append(seconds)
            if status == 201:
                self.run_ids.append(json.loads(content)["run_id"])

    async def probe(self) -> None:
        """Check health, read and cancel until the load is over."""
        connection = Connection(*self._place)
        await connection.open()
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            probes = {"health": ("GET", "/api/v1/healthz"), "list": ("GET", "/api/v1/runs")}
            if self.run_ids:
                path = f"/api/v1/runs/{self.run_ids[-1]}"
                probes |= {"read": ("GET", path), "cancel": ("POST", f"{path}/cancel")}
            for kind, (method, path) in probes.items():
                _, seconds, _ = await connection.ask(method, path)
                self.seconds[kind].append(seconds)


async def measure(data: Path, clients: int, runs: int) -> str:
    """Put the load on a deployment, and describe what happened."""
    connection = json.loads((data / "connection.json").read_text())
    load = Load(connection["gateway_url"], connection["token"], runs)
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
