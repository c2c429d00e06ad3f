"""The data folder of a deployment, with its ports and secrets."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
import socket
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from headrace_local.state_file import read_state

PORTS = (
    "nats",
    "nats_monitor",
    "postgres",
    "s3",
    "s3_master",
    "s3_volume",
    "s3_filer",
    "s3_admin",
    "api",
    "scheduler",
    "executor",
    "recorder",
    "ui_gateway",
)
SERVICES = ("api", "scheduler", "executor", "recorder", "ui_gateway")
STATEFUL_SERVICES = ("api", "scheduler", "executor", "recorder")
"""Those that use Postgres and the object store; no other service gets credentials for them."""
_SECRETS = (
    "postgres", "s3", "program", "operator", "admin", "supervisor", "service_token", "owner_token",
    *SERVICES,
)  # fmt: skip
OTHER_SUPERVISOR = 3
"""The exit status of a supervisor when another one holds the lock."""
_MARKER = ".headrace-data"
_RANGE = (15000, 22000)
"""Below the kernel's ephemeral ports, so that no outgoing connection uses one. SeaweedFS also uses
each port plus 10000."""


class DataError(Exception):
    """The data folder cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Data:
    """A data folder."""

    path: Path

    @property
    def run(self) -> Path:
        """The folder with the state of the running deployment."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """The folder with one log file per program."""
        return self.path / "logs"

    @property
    def connection(self) -> Path:
        """The file that says how programs connect to the deployment."""
        return self.path / "connection.json"

    def prepare(self) -> None:
        """Create the folder.

        Raises:
            DataError: it has other content, or Postgres could not access it.
        """
        marker = self.path / _MARKER
        if self.path.exists() and not self.path.is_dir():
            raise DataError(f"{self.path} is not a folder")
        if self.path.exists() and any(self.path.iterdir()) and not marker.exists():
            raise DataError(f"{self.path} is not empty and not a Headrace data folder")
        self.path.mkdir(parents=True, exist_ok=True)
        # Other users may traverse it but not list it: as root, Postgres runs as another user.
        self.path.chmod(0o711)
        marker.touch()
        self.run.mkdir(exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            self._check_accessible()

    def _check_accessible(self) -> None:
        for parent in self.path.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise DataError(
                    f"as root, Postgres runs as another user, who cannot access {parent}; "
                    f"choose another folder with --data, or run as a normal user"
                )

    def is_ours(self) -> bool:
        """Whether this is a Headrace data folder."""
        return (self.path / _MARKER).exists()

    def lock(self) -> IO[str] | None:
        """Take the deployment's lock; None if another process holds it."""
        file = (self.path / "lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def is_locked(self) -> bool:
        """Whether another process holds the lock."""
        try:
            with (self.path / "lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def state_path(self) -> Path:
        """The file that the supervisor writes its state to."""
        return self.run / "state.json"

    def state(self) -> dict[str, Any]:
        """The state that the supervisor last wrote; empty if it cannot be read."""
        return read_state(self.state_path)

    def ports(self) -> dict[str, int]:
        """The deployment's ports: the same at each start, unless one is in use."""
        path = self.path / "ports.json"
        known: dict[str, int] = read_json(path) or {}
        if set(known) != set(PORTS) or not _all_free(known.values()):
            known = _choose_ports()
            write_json(path, known)
        return known

    def secrets(self) -> dict[str, str]:
        """Generated passwords. They never change, because servers were set up with them."""
        path = self.path / "secrets.json"
        known: dict[str, str] = read_json(path) or {}
        missing = [n for n in _SECRETS if n not in known]
        if missing:
            known |= {name: secrets.token_hex(16) for name in missing}
            write_json(path, known)
        return known


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if there is no file.

    Raises:
        DataError: the file is not JSON.
    """
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from None


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, readable by this user alone."""
    temporary = path.with_suffix(".part")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(value, indent=1))
    temporary.replace(path)


def _choose_ports() -> dict[str, int]:
    with ExitStack() as bound:  # bound until all are chosen, so that none is chosen twice
        ports: dict[str, int] = {}
        candidates = random.SystemRandom().sample(range(*_RANGE), _RANGE[1] - _RANGE[0])
        for name in PORTS:
            for port in candidates:
                if port not in ports.values() and _bind(bound, port) and _bind(bound, port + 10000):
                    ports[name] = port
                    break
            else:
                raise DataError(
                    f"no free ports between {_RANGE[0]} and {_RANGE[1]} on the loopback interface"
                )
        return ports


def _all_free(ports: Iterable[int]) -> bool:
    with ExitStack() as bound:
        return all(_bind(bound, port) for port in ports)


def _bind(bound: ExitStack, port: int) -> bool:
    probe = bound.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
