"""``headrace recurring``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from headrace.cli import main
from headrace.cli.commands import recurring
from headrace.client import Client

from tests.unit.client.gateway import Gateway

SOURCE = """
from headrace import dsl

with open("executions", "a") as file:
    file.write("x")

@dsl.component
def say(n: int) -> int:
    return n

@dsl.pipeline
def once(n: int):
    say(n=n)
"""


def test_a_python_file_is_executed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipeline.py").write_text(SOURCE)
    gateway = Gateway(httpx.Response(201, json={"recurring_run_id": "c1"}))

    @contextmanager
    def connected(context: object) -> Iterator[Client]:
        with gateway.client() as client:
            yield client

    monkeypatch.setattr(recurring, "connected", connected)
    arguments = ["recurring", "create", "nightly", "pipeline.py", "--cron", "@daily", "-p", "n=3"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (0, "c1  next never\n"), result.output
    sent = json.loads(gateway.requests[0].content)
    assert sent["parameters"] == {"n": 3}
    assert "name: once" in sent["package"]
    assert Path("executions").read_text() == "x"
