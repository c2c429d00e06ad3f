"""Sets up Postgres: the cluster, its roles and schemas."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from importlib.resources import files
from pathlib import Path

from headrace_local import processes
from headrace_local.data import STATEFUL_SERVICES, Data
from headrace_local.programs import postgres_binaries, postgres_state, postgres_user

SUPERUSER = "postgres"
_LONGEST_SECONDS = 60.0
_KILL_SECONDS = 5.0


class SetupError(Exception):
    """Postgres could not be set up; the message ends with the output of the failed program."""


def prepare_postgres(data: Data, secrets: dict[str, str]) -> None:
    """Create the cluster if there is none, and remove a stale pid file."""
    state = postgres_state(data)
    done = state.parent / ".init-done"
    user = postgres_user()
    if not done.exists():
        shutil.rmtree(state, ignore_errors=True)
        state.parent.mkdir(exist_ok=True)
        state.parent.chmod(0o711)
        state.mkdir(mode=0o700)
        password = state.parent / ".password"
        password.touch(mode=0o600)
        password.write_text(secrets["postgres"])
        if user is not None:
            os.chown(state, user, user)
            os.chown(password, user, user)
        _run(
            [str(postgres_binaries(data) / "initdb"), "-D", str(state), "-U", SUPERUSER,
             "-E", "UTF8", "--locale=C", "-A", "scram-sha-256", f"--pwfile={password}",
             "--no-instructions", "--no-sync"],
            user=user,
        )  # fmt: skip
        os.sync()
        password.unlink()
        done.touch()
    _end_leftovers(state)


def _end_leftovers(state: Path) -> None:
    """Kill processes of a server that is gone, and remove its pid file. A backend that a signal has
    stopped outlives its server, and no other server starts while it does."""
    left = {
        pid: started
        for pid in processes.all_ids()
        if _is_postgres_of(pid, state) and (started := processes.start_time(pid)) is not None
    }
    for pid in left:
        processes.kill(pid, signal.SIGKILL)
    processes.wait_until_ended(left, _KILL_SECONDS)
    (state / "postmaster.pid").unlink(missing_ok=True)


def postmaster_status(data: Data, pid: int) -> str:
    """What this postmaster says about itself in its pid file: ``starting``, ``ready``,
    ``stopping``; empty if it has not written the file yet."""
    try:
        lines = (postgres_state(data) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) >= 8 and lines[0].strip() == str(pid) else ""


def create_roles(data: Data, port: int, secrets: dict[str, str]) -> None:
    """Create the database and, for each stateful service, a role that owns a schema of the same
    name."""
    # On standard input: every user of the machine can read a command line.
    variables = "".join(f"\\set {name} '{secrets[name]}'\n" for name in STATEFUL_SERVICES)
    script = variables + files("headrace_local").joinpath("roles.sql").read_text()
    _run(
        [str(postgres_binaries(data) / "psql"), "-h", "127.0.0.1", "-p", str(port),
         "-U", SUPERUSER, "-d", "postgres", "-q", "-X", "-v", "ON_ERROR_STOP=1"],
        env={"PGPASSWORD": secrets["postgres"], "PATH": "/usr/bin:/bin", "PGOPTIONS":
             "-c client_min_messages=warning"},
        text=script,
    )  # fmt: skip


def _is_postgres_of(pid: int, state: Path) -> bool:
    """Whether a process belongs to a server of this cluster: each works in its folder."""
    try:
        return (
            Path(os.readlink(f"/proc/{pid}/exe")).name.startswith("postgres")
            and Path(os.readlink(f"/proc/{pid}/cwd")) == state.resolve()
        )
    except OSError:
        return False


def _run(
    argv: list[str],
    *,
    user: int | None = None,
    env: dict[str, str] | None = None,
    text: str | None = None,
) -> None:
    name = Path(argv[0]).name
    try:
        done = subprocess.run(
            argv,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
            cwd="/",
            env=env,
            input=text or "",
            text=True,
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"{name} did not end within {_LONGEST_SECONDS:g} s") from None
    if done.returncode:
        raise SetupError(f"{name} failed: {(done.stderr or done.stdout).strip()[-800:]}")
