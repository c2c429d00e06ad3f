"""A whole embedded deployment with its own folder and ports, for tests; `remove` deletes it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HEADRACE = Path(sys.executable).parent / "headrace"
SERVICES = ("api", "scheduler", "executor", "recorder", "ui_gateway")


class Deployment:
    """One data folder, and the ``headrace`` command with it."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        data: Path | None = None,
        headrace: Sequence[str] = (str(HEADRACE),),
    ) -> None:
        """`settings`: environment variables for the services. `data`: an existing folder, by
        default a new one. `headrace`: the command."""
        self._settings = dict(settings or {})
        self._headrace = tuple(headrace)
        self.data = data or Path(tempfile.mkdtemp(prefix="headrace-test-", dir="/var/tmp"))
        self.data.chmod(0o711)  # as root, Postgres runs as another user

    def command(self, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run ``headrace`` without standard input, as a program does."""
        return subprocess.run(
            [*self._headrace, *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self._settings},
            timeout=seconds,
            check=False,
        )

    def json(self, *arguments: str, expect: int | None = 0) -> Any:
        """Run ``headrace`` with ``--json`` and parse its output. `expect`: the exit status, None
        for any."""
        done = self.command(*arguments, "--json")
        assert expect is None or done.returncode == expect, (done.stdout, done.stderr)
        return json.loads(done.stdout or done.stderr)

    def up(self) -> Any:
        """Start the deployment."""
        return self.json("up")

    def down(self) -> None:
        """Stop the deployment."""
        self.command("down")

    @property
    def url(self) -> str:
        """The gateway's address."""
        return str(json.loads((self.data / "connection.json").read_text())["gateway_url"])

    @property
    def nats_url(self) -> str:
        """The URL of NATS for users' programs."""
        return str(json.loads((self.data / "connection.json").read_text())["nats_url"])

    @property
    def operator_nats_url(self) -> str:
        """The URL of NATS for the operator, who has all rights."""
        secrets = json.loads((self.data / "secrets.json").read_text())
        place = self.nats_url.rpartition("@")[2]
        return f"nats://operator:{secrets['operator']}@{place}"

    def pid(self, name: str) -> int | None:
        """The id of the process that runs a service or server; None when none does."""
        pid = self.json("status", expect=None)["processes"][name]["pid"]
        return None if pid is None else int(pid)

    def supervisor(self) -> int:
        """The id of the supervisor's process."""
        return int(json.loads((self.data / "run/state.json").read_text())["supervisor"])

    def signal_supervisor(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        os.kill(self.supervisor(), number)

    def kill(self, name: str) -> None:
        """Kill the process of a service or server (SIGKILL)."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[str]:
        """The command lines of all processes of this deployment, steps included."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environ = (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"HEADRACE_DATA_DIR={self.data}".encode() in environ.split(b"\0") or (
                "headrace_local.supervisor" in line and str(self.data) in line
            ):
                found.append(line)
        return [line for line in found if line]

    def remove(self) -> None:
        """Stop the deployment and delete its folder."""
        self.down()
        shutil.rmtree(self.data, ignore_errors=True)


@contextmanager
def running(settings: Mapping[str, str] | None = None) -> Iterator[Deployment]:
    """A deployment that is up, with these environment variables for its services; it is removed at
    the end."""
    made = Deployment(settings)
    try:
        made.up()
        yield made
    finally:
        made.remove()
