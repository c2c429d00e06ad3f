"""Setting up Postgres, without a server."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from headrace_local import setup
from headrace_local.data import STATEFUL_SERVICES, Data

SECRETS = {name: f"secret-of-{name}" for name in (*STATEFUL_SERVICES, "postgres")}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    monkeypatch.setattr(setup, "postgres_binaries", lambda _: tmp_path)
    return Data(tmp_path)


def test_passwords_are_not_on_a_command_line(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def run(argv: list[str], **options: Any) -> Any:
        calls.append((argv, options["input"]))
        return subprocess.CompletedProcess(argv, 0)

    monkeypatch.setattr(setup.subprocess, "run", run)
    setup.create_roles(data, 1, SECRETS)
    ((argv, script),) = calls
    assert "secret" not in " ".join(argv)
    for name in STATEFUL_SERVICES:
        assert f"\\set {name} 'secret-of-{name}'\n" in script


def test_a_program_that_does_not_end_is_a_failed_setup(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(argv: list[str], **_: Any) -> Any:
        raise subprocess.TimeoutExpired(argv, 60)

    monkeypatch.setattr(setup.subprocess, "run", run)
    with pytest.raises(setup.SetupError, match="psql did not end within 60 s"):
        setup.create_roles(data, 1, SECRETS)
