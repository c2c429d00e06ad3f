"""The real supervisor and commands with small programs in the place of servers and services.

It starts in a moment. Each program serves HTTP on its port, and reads from a file how to behave.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from headrace.cli import main
from headrace_local import control, programs, setup, supervisor
from headrace_local.data import Data
from headrace_local.health.checks import Checks
from headrace_local.health.rules import Observation
from headrace_local.programs import Program

from tests.support.deployment import ROOT
from tests.support.waiting import HANG_SECONDS, until

_SOURCE = """
import http.server, pathlib, signal, sys, time
behaviour, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
text = behaviour.read_text() if behaviour.exists() else ""
if text == "slow start":
    while behaviour.exists():
        time.sleep(0.01)
if text == "crash":
    sys.exit("Error: it is broken")
if text == "slow stop":
    def stop(*_):
        while behaviour.exists():
            time.sleep(0.01)
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        bad = behaviour.read_text() if behaviour.exists() else ""
        self.send_response(503 if bad == "unready" else 500 if bad == "failing" else 200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def small(name: str, data: Data, ports: dict[str, int]) -> Program:
    """A small program in the place of a server or service."""
    behaviour = behaviour_of(name, data.path)
    return Program(
        name,
        (sys.executable, "-S", "-c", _SOURCE, str(behaviour), str(ports[name])),
        {"HEADRACE_DATA_DIR": str(data.path)},
        stop_seconds=30,
    )


def behaviour_of(name: str, data: Path) -> Path:
    """The file that says how a program behaves."""
    return data.with_name(f"{data.name}-behaviour") / name


class SmallChecks(Checks):
    """Asks every program over HTTP."""

    async def _server(self, name: str, pid: int) -> Observation:
        return await self._service(name)


def supervise() -> None:
    """The body of the process of the supervisor."""
    programs.nats = lambda data, ports, _: small("nats", data, ports)
    programs.s3 = lambda data, ports, _: small("s3", data, ports)
    programs.postgres = lambda data, ports: small("postgres", data, ports)
    programs.service = lambda name, data, ports, _: small(name, data, ports)
    setup.prepare_postgres = lambda *_: None
    setup.create_roles = lambda *_: None
    setattr(supervisor, "Checks", SmallChecks)  # noqa: B010  # no public name
    supervisor.main()


def run_command() -> None:
    """The body of the process of a command: ``headrace``, which starts small supervisors."""
    control._SUPERVISOR = _python("supervise")
    main()


def _python(function: str) -> tuple[str, ...]:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        f"from tests.support.local import deployment; deployment.{function}()"
    )
    return (sys.executable, "-c", code)


class SmallDeployment:
    """One data folder, and commands on it that run as processes of their own."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="headrace-small-", dir="/var/tmp"))
        self.path.chmod(0o711)
        self.data = Data(self.path)
        self._commands: list[subprocess.Popen[str]] = []

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command."""
        self._commands.append(
            subprocess.Popen(
                [*_python("run_command"), *arguments, "--data", str(self.path), "--json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        )
        return self._commands[-1]

    def command(self, *arguments: str) -> tuple[int, Any]:
        """The exit status of a command, and its output or error."""
        return ended(self.begin(*arguments))

    def behave(self, name: str, behaviour: str | None) -> None:
        """How a program behaves from now on; None for as usual."""
        file = behaviour_of(name, self.path)
        file.parent.mkdir(exist_ok=True)
        if behaviour is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(behaviour)

    def look(self) -> control.View:
        """What a command sees."""
        return control.look(self.data)

    def supervisor(self) -> int:
        """The process of the supervisor, once it has one."""
        pid = until(lambda: self.look().supervisor, pause=0.01)
        assert pid is not None
        return pid

    def pid(self, name: str) -> int | None:
        """The process of a program."""
        found = self.look().content.get("processes", {}).get(name, {}).get("pid")
        return None if found is None else int(found)

    def remove(self) -> None:
        """End everything and delete the folder."""
        shutil.rmtree(behaviour_of("", self.path), ignore_errors=True)
        for command in self._commands:
            command.kill()
            command.communicate()
        with contextlib.suppress(control.ControlError, OSError):
            control.stop(self.data)
        shutil.rmtree(self.path, ignore_errors=True)


def ended(command: subprocess.Popen[str]) -> tuple[int, Any]:
    """The exit status of a command that was begun, and its output or error."""
    output, errors = command.communicate(timeout=HANG_SECONDS)
    return command.returncode, json.loads(output or errors)
