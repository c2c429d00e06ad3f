"""Every command reports errors by one rule.

The result is on standard output, an error on standard error; with ``--json`` each is one JSON
object. The exit status is 1 for a failure and 2 for wrong usage.
"""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from headrace.cli import connect, main

from tests.support.deployment import ROOT

PACKAGE = str(ROOT / "examples" / "training" / "pipeline.yaml")

GATEWAY = (
    ("run", "submit", PACKAGE),
    ("run", "submit", PACKAGE, "--wait"),
    ("run", "list"),
    ("run", "get", "r1"),
    ("run", "compare", "r1", "r2"),
    ("run", "artifacts", "r1"),
    ("run", "logs", "r1"),
    ("run", "logs", "r1", "train", "--follow"),
    ("run", "cancel", "r1"),
    ("run", "pause", "r1"),
    ("run", "resume", "r1"),
    ("run", "retry", "r1"),
    ("run", "archive", "r1"),
    ("run", "unarchive", "r1"),
    ("run", "delete", "r1"),
    ("run", "rerun", "r1"),
    ("run", "rerun", "r1", "--dry-run"),
    ("recurring", "create", "nightly", PACKAGE, "--cron", "@daily"),
    ("recurring", "list"),
    ("recurring", "get", "c1"),
    ("recurring", "edit", "c1", "--every", "60"),
    ("recurring", "enable", "c1"),
    ("recurring", "disable", "c1"),
    ("recurring", "delete", "c1"),
    ("recurring", "next", "c1"),
    ("pipeline", "upload", PACKAGE),
    ("pipeline", "list"),
    ("pipeline", "get", "p1"),
    ("pipeline", "versions", "p1"),
    ("pipeline", "delete", "p1"),
    ("experiment", "create", "e1"),
    ("experiment", "list"),
    ("experiment", "get", "e1"),
    ("experiment", "archive", "e1"),
    ("experiment", "unarchive", "e1"),
    ("experiment", "delete", "e1"),
    ("artifact", "list"),
    ("artifact", "get", "a1"),
    ("artifact", "download", "a1"),
    ("artifact", "lineage", "a1"),
)
"""Calls of every command that talks to a gateway."""

OTHERS = {
    ("compile", "missing.py"): "NOT_FOUND",
    ("lint", "missing.yaml"): "NOT_FOUND",
    ("init", "taken"): "CONFLICT",
    ("completion", "bash"): None,
    ("up",): "CANNOT_START",
    ("down",): "NOT_A_DATA_FOLDER",
    ("status",): None,
    ("logs", "api"): "NOT_FOUND",
    ("reset",): "NOT_A_DATA_FOLDER",
    ("token",): "NOT_A_DATA_FOLDER",
}
"""Calls of all other commands in a folder without a deployment, with the code of their failure.
None: the call has a result."""


def commands(
    group: click.Group = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The path and command of each leaf of the command tree."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands())
GROUPS = sorted({path[:at] for path in ALL for at in range(len(path))})


def invoke(*arguments: str, env: dict[str, str | None] | None = None) -> Result:
    return CliRunner(env={"HEADRACE_HOST": None, "HEADRACE_TOKEN": None, **(env or {})}).invoke(
        main, arguments
    )


def error_of(result: Result, exit_code: int) -> Any:
    """The error of a call with ``--json``."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    (line,) = result.stderr.splitlines()
    found = json.loads(line)
    assert list(found) == ["error"]
    return found["error"]


def path_of(call: tuple[str, ...]) -> tuple[str, ...]:
    return next(path for path in (call[:2], call[:1]) if path in ALL)


def name_of(call: tuple[str, ...]) -> str:
    return " ".join(call).replace(f"{ROOT}/", "") or "headrace"


def test_the_tables_name_every_command() -> None:
    assert {path_of(call) for call in (*GATEWAY, *OTHERS)} == set(ALL)


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_wrong_usage_of_a_command(path: tuple[str, ...]) -> None:
    text = invoke(*path, "--bogus")
    assert (text.exit_code, text.stdout) == (2, "")
    assert text.stderr.startswith(f"Usage: main {' '.join(path)}")
    assert "No such option '--bogus'" in text.stderr
    for arguments in ((*path, "--bogus", "--json"), ("--json", *path, "--bogus")):
        error = error_of(invoke(*arguments), 2)
        assert error["code"] == "USAGE"
        assert error["message"].startswith("No such option '--bogus'")
        assert error["usage"].startswith(f"Usage: main {' '.join(path)}")


@pytest.mark.parametrize(
    "path",
    [path for path, command in ALL.items() if any(p.required for p in command.params)],
    ids=name_of,
)
def test_a_missing_argument(path: tuple[str, ...]) -> None:
    text = invoke(*path)
    assert (text.exit_code, text.stdout) == (2, "")
    assert "Missing argument" in text.stderr
    error = error_of(invoke(*path, "--json"), 2)
    assert (error["code"], error["message"][:16]) == ("USAGE", "Missing argument")


@pytest.mark.parametrize("path", GROUPS, ids=name_of)
def test_wrong_usage_of_a_group(path: tuple[str, ...]) -> None:
    for arguments, message in (((), "Missing command."), (("frob",), "No such command 'frob'.")):
        text = invoke(*path, *arguments)
        assert (text.exit_code, text.stdout) == (2, "")
        assert text.stderr.startswith("Usage: main")
        error = error_of(invoke("--json", *path, *arguments), 2)
        assert (error["code"], error["message"]) == ("USAGE", message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "list", "-n", "0"], "Invalid value for '-n' / '--count': 0 is not in the range"),
        (["run", "submit", "p.yaml", "--priority", "x"], "Invalid value for '--priority': 'x'"),
        (["completion", "csh"], "Invalid value for '{bash|zsh|fish}': 'csh' is not one of"),
        (["logs", "frob"], "Invalid value for"),
        (["run", "submit", PACKAGE, "-p", "seed"], "Invalid value for '-p': expected NAME=VALUE"),
        (["lint", PACKAGE, "-p", "=7"], "Invalid value for '-p': expected NAME=VALUE"),
        (["pipeline", "upload", PACKAGE, "--tag", "a"], "Invalid value for '--tag': expected KEY"),
        (["recurring", "create", "c", PACKAGE], "Pass either --cron or --every."),
        (["recurring", "create", "c", "--cron", "@daily"], "Pass a PACKAGE or --pipeline."),
        (["recurring", "create", "c", PACKAGE, "--pipeline", "p"], "Pass either a package or"),
        (["recurring", "edit", "c"], "Nothing to change: pass at least one option."),
        (["recurring", "edit", "c", "--pipeline-version", "2"], "--pipeline-version requires"),
    ],
)
def test_an_invalid_value(arguments: list[str], message: str) -> None:
    text = invoke(*arguments)
    assert (text.exit_code, text.stdout) == (2, "")
    assert text.stderr.startswith("Usage: main ")
    assert message in text.stderr
    error = error_of(invoke(*arguments, "--json"), 2)
    assert (error["code"], error["message"].startswith(message)) == ("USAGE", True)
    assert error["usage"].startswith("Usage: main ")


@pytest.mark.parametrize("path", GROUPS, ids=name_of)
def test_the_help_of_a_group_shows_whole_descriptions(path: tuple[str, ...]) -> None:
    shown = invoke(*path, "--help").stdout.partition("Commands:")[2]
    assert "..." not in shown


def test_json_after_two_dashes_is_an_argument() -> None:
    result = invoke("run", "get", "a", "--", "--json")
    assert (result.exit_code, result.stdout, result.stderr[:6]) == (2, "", "Usage:")


@pytest.mark.parametrize("call", OTHERS, ids=name_of)
@pytest.mark.parametrize("option", ["--host", "--token"])
def test_commands_that_connect_to_no_gateway_refuse_its_options(
    call: tuple[str, ...], option: str
) -> None:
    after = error_of(invoke(*call, option, "x", "--json"), 2)
    assert after["message"].startswith(f"No such option '{option}'")
    before = error_of(invoke(option, "x", "--json", *call), 2)
    assert f"does not take {option}" in before["message"]
    shown = invoke(*path_of(call), "--help").stdout
    assert option not in shown
    offered = [parameter.opts for parameter in ALL[path_of(call)].params]
    assert [option] not in offered


@pytest.mark.parametrize("call", GATEWAY, ids=name_of)
def test_a_gateway_command_takes_its_options(call: tuple[str, ...]) -> None:
    shown = invoke(*path_of(call), "--help").stdout
    for option in ("--data", "--json", "--host", "--token"):
        assert option in shown


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: there is no deployment in it, and a starter project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "README.md").write_text("mine")
    return tmp_path


@pytest.mark.parametrize(("call", "code"), OTHERS.items(), ids=map(name_of, OTHERS))
def test_a_failure_without_a_gateway(empty: Path, call: tuple[str, ...], code: str | None) -> None:
    if call == ("up",):
        (empty / "thesis.tex").touch()  # a folder that is not empty and has no deployment
    text = invoke(*call, "--data", str(empty))
    as_json = invoke(*call, "--data", str(empty), "--json")
    if code is None:
        assert isinstance(json.loads(as_json.stdout), dict)
        assert (text.stderr, as_json.stderr) == ("", "")
        return
    error = error_of(as_json, 1)
    assert error["code"] == code
    assert (text.exit_code, text.stdout) == (1, "")
    assert text.stderr == f"headrace: {error['message']}\n"


@pytest.mark.parametrize("call", GATEWAY, ids=name_of)
def test_no_deployment_in_the_data_folder(empty: Path, call: tuple[str, ...]) -> None:
    message = f"there is no deployment in {empty}; start one with: headrace up"
    error = error_of(invoke(*call, "--data", str(empty), "--json"), 1)
    assert error == {"code": "UNREACHABLE", "message": message}
    text = invoke(*call, "--data", str(empty))
    assert (text.exit_code, text.stdout, text.stderr) == (1, "", f"headrace: {message}\n")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a port that nothing listens on; a request to it is not repeated."""
    monkeypatch.setattr(connect, "_ATTEMPTS", 1)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("call", GATEWAY, ids=name_of)
def test_an_unreachable_gateway(empty: Path, unreachable: str, call: tuple[str, ...]) -> None:
    error = error_of(invoke(*call, "--host", unreachable, "--json"), 1)
    assert error["code"] == "UNREACHABLE"
    assert error["message"].startswith(f"cannot connect to {unreachable}; ")
    text = invoke("--host", unreachable, *call)
    assert (text.exit_code, text.stdout) == (1, "")
    assert text.stderr == f"headrace: {error['message']}\n"


class NotFound(BaseHTTPRequestHandler):
    """Responds to every request that nothing was found."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"code": "NOT_FOUND", "detail": "there is nothing"}).encode()
        self.send_response(404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def not_found() -> Iterator[str]:
    """The address of a gateway that finds nothing."""
    with HTTPServer(("127.0.0.1", 0), NotFound) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("call", GATEWAY, ids=name_of)
def test_not_found(empty: Path, not_found: str, call: tuple[str, ...]) -> None:
    in_environment = invoke(*call, "--json", env={"HEADRACE_HOST": not_found})
    error = error_of(in_environment, 1)
    assert error == {"code": "NOT_FOUND", "message": "there is nothing"}
    text = invoke(*call, "--host", not_found)
    assert (text.exit_code, text.stdout) == (1, "")
    assert text.stderr == "headrace: there is nothing\n"


def test_an_interrupted_command() -> None:
    @click.command("interrupted")
    def command() -> None:
        raise KeyboardInterrupt

    main.add_command(command)
    try:
        assert error_of(invoke("--json", "interrupted"), 1) == {
            "code": "INTERRUPTED",
            "message": "interrupted",
        }
        text = invoke("interrupted")
        assert (text.exit_code, text.stdout, text.stderr.strip()) == (1, "", "Aborted!")
    finally:
        del main.commands["interrupted"]


def test_a_full_disk_behind_standard_output() -> None:
    @click.command("full")
    def command() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    main.add_command(command)
    try:
        error = error_of(invoke("--json", "full"), 1)
        assert error["code"] == "CANNOT_WRITE"
        text = invoke("full")
        assert (text.exit_code, text.stdout) == (1, "")
        assert text.stderr == "headrace: cannot write the output: No space left on device\n"
    finally:
        del main.commands["full"]
