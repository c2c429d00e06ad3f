"""A real Postgres of the embedded deployment, alone, for tests of one service."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace_local import processes, programs, setup
from headrace_local.data import STATEFUL_SERVICES, Data

from tests.support.waiting import HANG_SECONDS


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """The addresses of the services' schemas, by service; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-test-", dir="/var/tmp"))
    folder.chmod(0o711)  # as root, Postgres runs as another user
    data = Data(folder)
    data.prepare()
    ports, secrets = data.ports(), data.secrets()
    setup.prepare_postgres(data, secrets)
    server = processes.start(programs.postgres(data, ports), data.logs / "postgres.log")
    try:
        deadline = time.monotonic() + HANG_SECONDS
        while setup.postmaster_status(data, server.pid) != "ready":
            assert server.poll() is None, (data.logs / "postgres.log").read_text()
            assert time.monotonic() < deadline, "Postgres did not get ready"
            time.sleep(0.05)
        setup.create_roles(data, ports["postgres"], secrets)
        server_address = f"127.0.0.1:{ports['postgres']}/headrace"
        yield {
            name: f"postgresql://{name}:{secrets[name]}@{server_address}"
            for name in STATEFUL_SERVICES
        }
    finally:
        server.send_signal(programs.postgres(data, ports).stop_signal)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
