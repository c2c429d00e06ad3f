"""Every route of the gateway, and so of the api and the recorder, while Postgres, or the services
themselves, are away: 503 with what is away and when to try again, never 500."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from headrace_local import processes, programs

from tests.support.routes import ROWS, SPEC, Row, Takes
from tests.support.servers import Servers
from tests.support.waiting import HANG_SECONDS, until

NAMES = ("api", "recorder", "ui_gateway")
ANY_ID = "0190a0a0-0000-7000-8000-000000000001"
READS_NOTHING = (Takes.NOTHING, Takes.CREDENTIAL)
DECIDES_ALONE = "/apis/v2beta1/auth"
"""The gateway answers by the caller's roles."""


class Served:
    """The services with HTTP routes, and their servers."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        for name in ("nats", "postgres", "s3"):
            servers.start(name)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in NAMES:
            program = programs.service(name, servers.data, servers.ports, servers.secrets)
            self._processes[name] = processes.start(program, servers.data.logs / f"{name}.log")
        for name in NAMES:
            until(lambda name=name: self._is_ready(name))  # type: ignore[misc]

    def _is_ready(self, name: str) -> bool:
        url = f"http://127.0.0.1:{self.servers.ports[name]}/readyz"
        try:
            return httpx.get(url, timeout=HANG_SECONDS, trust_env=False).status_code == 200
        except httpx.ConnectError:
            return False

    def end(self, *names: str) -> None:
        """End services."""
        for name in names:
            process = self._processes.pop(name)
            process.send_signal(signal.SIGTERM)
            process.wait(HANG_SECONDS)

    async def answers(self) -> list[tuple[Row, httpx.Response]]:
        """The answer of the gateway on each route."""
        at_once = asyncio.Semaphore(8)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.servers.ports['ui_gateway']}",
            headers={"Authorization": f"Bearer {self.servers.secrets['owner_token']}"},
            timeout=HANG_SECONDS,
            trust_env=False,
        ) as client:

            async def ask(row: Row) -> httpx.Response:
                async with at_once, client.stream(row.method, filled(row.path), **body(row)) as got:
                    if got.headers.get("content-type", "").startswith("text/event-stream"):
                        return httpx.Response(got.status_code)
                    await got.aread()
                    return got

            found = await asyncio.gather(*(ask(row) for row in ROWS))
            return list(zip(ROWS, found, strict=True))


def filled(value: Any) -> Any:
    """The value with ids of nothing in place of the names in braces."""
    if isinstance(value, str):
        for name in ("namespace", "name", "artifact_name"):
            value = value.replace(f"{{{name}}}", "default")
        value = value.replace("{position}", "0")
        head, brace, rest = value.partition("{")
        return filled(head + ANY_ID + rest.partition("}")[2]) if brace else value
    if isinstance(value, dict) and value is not SPEC:
        return {key: filled(one) for key, one in value.items()}
    return value


def body(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {"params": filled(row.query)}
    if row.file and row.path.startswith("/api/"):
        content |= {
            "content": yaml.safe_dump(SPEC).encode(),
            "headers": {"Content-Type": "application/yaml"},
        }
    elif row.file:
        content["files"] = {"uploadfile": ("x.yaml", yaml.safe_dump(SPEC).encode())}
    elif row.body is not None:
        content["json"] = filled(row.body)
    return content


@pytest.fixture
def served() -> Iterator[Served]:
    """The services, ready."""
    servers = Servers()
    made = None
    try:
        made = Served(servers)
        yield made
    finally:
        if made is not None:
            made.end(*made._processes)
        servers.remove()


def check(answers: list[tuple[Row, httpx.Response]], reason: str) -> None:
    wrong = {str(row): one.status_code for row, one in answers if one.status_code == 500}
    assert wrong == {}
    for row, answer in answers:
        if answer.status_code != 503:
            continue
        assert answer.headers.get("retry-after") == "1", row
        assert reason in answer.text, (str(row), answer.text)
        described = answer.json()
        if row.path.startswith("/api/"):
            assert described["code"] == "UNAVAILABLE"
        else:
            assert described.get("code") == 14 or "error_message" in described, str(row)
    others = {
        str(row): (one.status_code, one.text)
        for row, one in answers
        if one.status_code != 503 and row.takes not in READS_NOTHING and row.path != DECIDES_ALONE
    }
    assert others == {}


def test_no_route_answers_500_while_something_is_away(served: Served) -> None:
    served.servers.kill("postgres")
    check(asyncio.run(served.answers()), "Postgres is unavailable; retry")
    served.end("api", "recorder")
    check(asyncio.run(served.answers()), "is unavailable; retry")
