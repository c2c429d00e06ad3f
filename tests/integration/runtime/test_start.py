"""Every service waits for its stores at the start: it says for which one, and does not end."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from headrace_local import processes, programs
from headrace_local.data import SERVICES, STATEFUL_SERVICES

from tests.support.servers import Servers
from tests.support.waiting import HANG_SECONDS, until


class Started:
    """All services, started while none of their stores runs."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in SERVICES:
            program = programs.service(name, servers.data, servers.ports, servers.secrets)
            self._processes[name] = processes.start(program, servers.data.logs / f"{name}.log")

    def get(self, name: str, path: str) -> httpx.Response:
        """The answer of a service, which must still run."""
        assert self._processes[name].poll() is None, self._log(name)
        url = f"http://127.0.0.1:{self.servers.ports[name]}{path}"
        try:
            return httpx.get(url, timeout=HANG_SECONDS, trust_env=False)
        except httpx.ConnectError:
            return httpx.Response(0)

    def says(self, name: str, text: str) -> None:
        """Wait until the readiness of a service has this text."""
        until(lambda: text in self.get(name, "/readyz").text)
        assert self.get(name, "/readyz").status_code == 503
        assert self.get(name, "/livez").status_code == 200

    def becomes_ready(self, name: str) -> None:
        until(lambda: self.get(name, "/readyz").status_code == 200)

    def stop(self) -> dict[str, int]:
        """End all with SIGTERM; returns their exit statuses."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        return {n: process.wait(HANG_SECONDS) for n, process in self._processes.items()}

    def _log(self, name: str) -> str:
        return (self.servers.data.logs / f"{name}.log").read_text()


@pytest.fixture
def started() -> Iterator[Started]:
    """Services without stores."""
    servers = Servers()
    made = Started(servers)
    try:
        yield made
    finally:
        made.stop()
        servers.remove()


def test_services_wait_for_the_bus_then_for_jetstream_then_for_postgres(started: Started) -> None:
    for name in SERVICES:
        started.says(name, "it waits for the bus")
        answer = started.get(name, "/anything")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["code"] == "UNAVAILABLE"
        assert answer.json()["detail"] == "the service starts; retry"
    without_jetstream = start_nats_without_jetstream(started.servers)
    try:
        for name in STATEFUL_SERVICES:
            started.says(name, "it waits for the streams of the bus")
    finally:
        without_jetstream.kill()
        without_jetstream.wait()
    started.servers.start("nats")
    for name in STATEFUL_SERVICES:
        started.says(name, "it waits for Postgres")
    started.becomes_ready("ui_gateway")
    started.servers.start("postgres")
    for name in SERVICES:
        started.becomes_ready(name)


def start_nats_without_jetstream(servers: Servers) -> subprocess.Popen[bytes]:
    program = programs.nats(servers.data, servers.ports, servers.secrets)
    config = Path(program.argv[-1])
    text = config.read_text().replace("jetstream: enabled,", "")
    config.write_text(re.sub(r"jetstream \{.*?\}", "", text, flags=re.DOTALL))
    return processes.start(program, servers.data.logs / "nats.log")


def test_a_stop_signal_ends_a_start_that_waits(started: Started) -> None:
    for name in SERVICES:
        started.says(name, "it waits for the bus")
    assert started.stop() == dict.fromkeys(SERVICES, 0)
