"""The real servers without services, on free ports, for integration tests; removed at the end."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headrace_local import processes, programs, setup
from headrace_local.data import Data
from headrace_local.health.checks import Checks
from headrace_local.health.rules import HEALTHY
from headrace_local.programs import BUCKET, Program
from headrace_runtime.settings import ObjectStoreSettings

from tests.support.waiting import HANG_SECONDS


class Servers:
    """NATS, Postgres and S3, each started on first use."""

    def __init__(self) -> None:
        self.data = Data(Path(tempfile.mkdtemp(prefix="headrace-servers-", dir="/var/tmp")))
        self.data.prepare()
        self.ports = self.data.ports()
        self.secrets = self.data.secrets()
        self._running: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}

    def start(self, name: str) -> None:
        """Start ``nats``, ``postgres`` or ``s3`` unless it runs, and wait until it is ready."""
        if name in self._running and self._running[name][1].poll() is None:
            return
        if name == "postgres":
            setup.prepare_postgres(self.data, self.secrets)
            program = programs.postgres(self.data, self.ports)
        else:
            make = {"nats": programs.nats, "s3": programs.s3}[name]
            program = make(self.data, self.ports, self.secrets)
        process = processes.start(program, self.data.logs / f"{name}.log")
        self._running[name] = (program, process)
        with ThreadPoolExecutor(1) as thread:  # the caller may be a coroutine
            thread.submit(asyncio.run, self._ready(program, process.pid)).result()
        if name == "postgres":
            setup.create_roles(self.data, self.ports["postgres"], self.secrets)

    async def _ready(self, program: Program, pid: int) -> None:
        """Wait until a server is healthy, as the supervisor checks it."""
        checks = Checks(self.data, self.ports, self.secrets)
        async with asyncio.timeout(HANG_SECONDS):
            while await checks.observe(program, pid) != HEALTHY:  # noqa: ASYNC110  # a server
                await asyncio.sleep(0.02)

    def pid(self, name: str) -> int:
        """The id of its process."""
        return self._running[name][1].pid

    def kill(self, name: str) -> None:
        """``kill -9`` it."""
        _, process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def nats_url(self, user: str) -> str:
        """The bus, as one user of it."""
        return f"nats://{user}:{self.secrets[user]}@127.0.0.1:{self.ports['nats']}"

    def dsn(self, service: str) -> str:
        """The database, as one service or as the superuser ``postgres``."""
        port = self.ports["postgres"]
        return f"postgresql://{service}:{self.secrets[service]}@127.0.0.1:{port}/headrace"

    def object_settings(self, user: str = "headrace") -> ObjectStoreSettings:
        """The object store, as one service or as the operator ``headrace``."""
        return ObjectStoreSettings(
            objects_endpoint=f"http://127.0.0.1:{self.ports['s3']}",
            objects_access_key=user,
            objects_secret_key=self.secrets["s3" if user == "headrace" else user],
            objects_bucket=BUCKET,
        )

    def remove(self) -> None:
        """Stop the servers and delete the folder."""
        for program, process in self._running.values():
            process.send_signal(program.stop_signal)
        for program, process in self._running.values():
            try:
                process.wait(program.stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.data.path, ignore_errors=True)
