"""``headrace run logs``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result
from headrace.cli import main
from headrace.cli.commands import logs
from headrace.client import Client

from tests.unit.client.gateway import Gateway, run_body


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner whose gateway has one run, which has no tasks yet."""

    @contextmanager
    def connected(context: object) -> Iterator[Client]:
        with Gateway(_no_tasks()).client() as client:
            yield client

    monkeypatch.setattr(logs, "connected", connected)
    return CliRunner()


def _no_tasks() -> object:
    import httpx

    return httpx.Response(200, json=run_body("PENDING"))


def test_a_run_without_tasks_has_no_logs(invoke: CliRunner) -> None:
    text = invoke.invoke(main, ["run", "logs", "r1"])
    assert (text.exit_code, text.stdout, text.stderr) == (0, "\n", "")
    as_json = invoke.invoke(main, ["run", "logs", "r1", "--json"])
    assert json.loads(as_json.stdout) == {"run_id": "r1", "logs": {}}


def test_a_task_that_does_not_exist(invoke: CliRunner) -> None:
    text: Result = invoke.invoke(main, ["run", "logs", "r1", "train"])
    assert (text.exit_code, text.stderr) == (1, "headrace: run r1 has no task 'train'\n")
