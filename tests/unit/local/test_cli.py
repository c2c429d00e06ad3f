"""The commands of the local deployment without one that runs: errors as text and as JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from headrace.cli import main
from headrace_local import cli
from headrace_local.data import Data


def invoke(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--data", str(data)])


def error(result: Result) -> Any:
    assert result.exit_code == 1
    assert result.stdout == ""
    return json.loads(result.stderr)["error"]


@pytest.fixture
def ours(tmp_path: Path) -> Data:
    """A data folder whose deployment is stopped."""
    data = Data(tmp_path / "ours")
    data.run.mkdir(parents=True)
    data.logs.mkdir()
    (data.path / ".headrace-data").touch()
    return data


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["up"], "CANNOT_START", "{folder} is not empty and not a Headrace data folder"),
        (["down"], "NOT_A_DATA_FOLDER", "there is no deployment in {folder}"),
        (["reset", "--yes"], "NOT_A_DATA_FOLDER", "{folder} is not a Headrace data folder"),
        (["logs", "api"], "NOT_FOUND", "there is no log of api in {folder}"),
    ],
)
def test_a_folder_of_others_is_refused(
    foreign: Path, arguments: list[str], code: str, message: str
) -> None:
    expected = message.format(folder=foreign)
    assert error(invoke(foreign, *arguments, "--json")) == {"code": code, "message": expected}
    result = invoke(foreign, *arguments)
    assert (result.exit_code, result.stderr) == (1, f"headrace: {expected}\n")
    assert [path.name for path in foreign.iterdir()] == ["thesis.tex"]


def test_up_in_a_file(foreign: Path) -> None:
    found = error(invoke(foreign / "thesis.tex", "up", "--json"))
    assert found == {"code": "CANNOT_START", "message": f"{foreign}/thesis.tex is not a folder"}


def test_up_below_a_file(foreign: Path) -> None:
    found = error(invoke(foreign / "thesis.tex" / "deployment", "up", "--json"))
    assert found["code"] == "CANNOT_START"
    assert "Not a directory" in found["message"]


def test_status_of_a_stopped_deployment(ours: Data) -> None:
    result = invoke(ours.path, "status", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "state": "stopped", "gateway_url": None, "data": str(ours.path), "processes": {},
            "refuses_new_work": None,
    }  # fmt: skip
    assert invoke(ours.path, "status").stdout == "stopped\n"


def test_down_of_a_stopped_deployment(ours: Data) -> None:
    result = invoke(ours.path, "down", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"state": "stopped", "was_running": False}
    assert invoke(ours.path, "down").stdout == "Headrace was not running\n"


def test_a_damaged_state_file_is_ignored(ours: Data) -> None:
    (ours.run / "state.json").write_text("{")
    assert invoke(ours.path, "status", "--json").exit_code == 1
    assert invoke(ours.path, "down", "--json").exit_code == 0


def test_the_log_of_an_unknown_service(ours: Data) -> None:
    result = invoke(ours.path, "logs", "scheduller")
    assert result.exit_code == 2
    assert "'scheduller' is not one of 'api', 'scheduler'" in result.stderr


def test_the_log_of_a_service(ours: Data) -> None:
    (ours.logs / "nats.log").write_text("one\ntwo\nthree\n")
    assert invoke(ours.path, "logs", "nats").stdout == "one\ntwo\nthree\n"
    assert invoke(ours.path, "logs", "nats", "-n", "2").stdout == "two\nthree\n"
    assert invoke(ours.path, "logs", "nats", "-n", "0").stdout == ""
    assert invoke(ours.path, "logs", "nats", "-n", "-1").exit_code == 2
    result = invoke(ours.path, "logs", "nats", "-n", "2", "--json")
    assert json.loads(result.stdout) == {"service": "nats", "lines": ["two", "three"]}


def test_an_interrupted_start_ends_a_supervisor_that_has_not_written_its_state(ours: Data) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    cli._stop(ours, supervisor)
    assert supervisor.poll() == -signal.SIGTERM


def test_reset_deletes_after_confirmation(ours: Data) -> None:
    refused = CliRunner().invoke(main, ["reset", "--data", str(ours.path)], input="n\n")
    assert refused.exit_code == 1
    assert ours.is_ours()
    result = invoke(ours.path, "reset", "--yes", "--json")
    assert json.loads(result.stdout) == {"deleted": str(ours.path)}
    assert not ours.path.exists()


def test_reset_with_json_requires_yes(ours: Data) -> None:
    assert error(invoke(ours.path, "reset", "--json")) == {
        "code": "NOT_CONFIRMED", "message": "--json is non-interactive; pass --yes to confirm",
    }  # fmt: skip
    assert ours.is_ours()


def test_reset_of_a_running_deployment_is_refused(ours: Data) -> None:
    held = ours.lock()
    assert held is not None
    with held:
        found = error(invoke(ours.path, "reset", "--yes", "--json"))
    assert found["code"] == "RUNNING"
    assert ours.is_ours()


@pytest.mark.parametrize(
    "arguments", [["run", "list"], ["run", "get", "x"], ["run", "cancel", "x"]]
)
def test_runs_without_a_deployment(ours: Data, arguments: list[str]) -> None:
    assert error(invoke(ours.path, *arguments, "--json")) == {
        "code": "UNREACHABLE",
        "message": f"there is no deployment in {ours.path}; start one with: headrace up",
    }


def test_options_may_be_given_before_the_command(ours: Data) -> None:
    result = CliRunner().invoke(main, ["--json", "--data", str(ours.path), "status"])
    assert json.loads(result.stdout)["data"] == str(ours.path)
