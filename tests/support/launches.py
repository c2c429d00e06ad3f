"""Launches for tests: commands as the scheduler sends them, a small object store, and the launcher
as a process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import headrace_launcher
from headrace_contracts.launches import InputFile, LaunchFile, ResultManifest, UploadGrant
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_executor.backends.port import Backend, Handle
from headrace_executor.core.execution import Execution
from headrace_executor.core.launch import ExecutionPaths, Limits, launch_file, local_inputs
from headrace_runtime.objects import ObjectMissingError

RUN_ID = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")
TASK_ID = UUID("6bd7f5a1-8e0c-5e6b-a6b4-3f0f2d1c9e02")
PREFIX = f"runs/team/digits/{RUN_ID}/train/1/1/"
URI_PREFIX = "s3://bucket/"
LAUNCHER = str(Path(headrace_launcher.__file__).parent)


def launch_command(**changes: Any) -> LaunchAttempt:
    """A launch of a step without inputs and outputs, but for what `changes` says."""
    return LaunchAttempt.model_validate(
        {
            "cluster": "local",
            "run_id": RUN_ID,
            "task_id": TASK_ID,
            "attempt": 1,
            "namespace": "team",
            "pipeline_name": "digits",
            "run_display_name": "digits at night",
            "run_created_at": datetime(2026, 11, 24, tzinfo=UTC),
            "task_name": "train",
            "path": "root/train",
            "container": {"image": "python:3.11", "command": ["true"]},
            "input_definitions": {},
            "output_definitions": {},
            "inputs": {},
            **changes,
        }
    )


class Objects:
    """An object store of one bucket: what was put there, and answers that are to come first."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.held: dict[str, bytes] = {}
        self.faults: list[int] = []
        """Statuses of the next answers, before it answers properly again."""
        self.requests: list[str] = []
        self.cut_short = 0
        """How many of the next bodies end too early."""

    @property
    def grant(self) -> UploadGrant:
        """The right to upload."""
        return UploadGrant(url=f"{self.address}/bucket", fields={"policy": "e30="})

    def url(self, key: str) -> str:
        """Where to fetch an object."""
        return f"{self.address}/bucket/{key}?signature=secret"


@contextmanager
def serving() -> Iterator[Objects]:
    """An object store on a free port, ended with the context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self._fails():
                return
            key = self.path.partition("?")[0].removeprefix("/bucket/")
            if key not in objects.held:
                self._answer(404, b"<Code>NoSuchKey</Code>")
            elif objects.cut_short:
                objects.cut_short -= 1
                body = objects.held[key]
                self._answer(200, body[: len(body) // 2], len(body))
                self.close_connection = True
            else:
                self._answer(200, objects.held[key])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self._fails():
                return
            boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
            parts = body.removeprefix(b"--" + boundary + b"\r\n").split(b"\r\n--" + boundary)
            fields = {}
            for part in parts[:-1]:
                head, _, value = part.partition(b"\r\n\r\n")
                fields[head.partition(b'name="')[2].partition(b'"')[0].decode()] = value
            assert list(fields)[-1] == "file"
            objects.held[fields["key"].decode()] = fields["file"]
            self._answer(204, b"")

        def _fails(self) -> bool:
            objects.requests.append(f"{self.command} {self.path}")
            if not objects.faults:
                return False
            self._answer(objects.faults.pop(0), b"<Code>Trouble</Code>")
            return True

        def _answer(self, status: int, body: bytes, length: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        objects = Objects(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield objects
        finally:
            server.shutdown()
            thread.join()


def plan(
    folder: Path,
    objects: Objects,
    argv: tuple[str, ...],
    command: LaunchAttempt | None = None,
    *,
    files: dict[str, tuple[InputFile, ...]] | None = None,
    env: dict[str, str] | None = None,
    limits: Limits | None = None,
) -> LaunchFile:
    """The launch file of a command whose attempt lives in `folder`."""
    command = command or launch_command()
    paths = ExecutionPaths(PurePosixPath(folder))
    return launch_file(
        Execution(command, 1),
        paths,
        argv=argv,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **(env or {})},
        inputs=local_inputs(command, paths, files or {}),
        files=files or {},
        grant=objects.grant,
        uri_prefix=URI_PREFIX,
        limits=limits or Limits(grace_seconds=0.3, log_limit_bytes=1 << 20, log_flush_seconds=60),
        upload_result=False,
    )


def start(folder: Path, launch: LaunchFile) -> subprocess.Popen[bytes]:
    """The launcher as a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "launch.json"
    path.write_bytes(launch.to_json())
    return subprocess.Popen([sys.executable, "-I", "-S", LAUNCHER, str(path)])


def run(folder: Path, launch: LaunchFile) -> ResultManifest:
    """Run the launcher to its end; returns the manifest that it left here."""
    start(folder, launch).wait(120)
    return manifest(folder)


def manifest(folder: Path) -> ResultManifest:
    """The manifest in the attempt's folder."""
    return ResultManifest.model_validate_json((folder / "result.json").read_bytes())


class Store:
    """What the backend asks of the object store."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def presign_post(self, prefix: str, seconds: int) -> tuple[str, dict[str, str]]:
        return self._objects.grant.url, dict(self._objects.grant.fields)

    async def presign_get(self, key: str, seconds: int) -> str:
        return self._objects.url(key)

    async def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self._objects.held if key.startswith(prefix))

    async def size(self, key: str) -> int:
        return len(await self.get(key))

    async def get(self, key: str) -> bytes:
        if key not in self._objects.held:
            raise ObjectMissingError(key)
        return self._objects.held[key]

    def uri(self, key: str) -> str:
        return URI_PREFIX + key

    def key(self, uri: str) -> str | None:
        return uri.removeprefix(URI_PREFIX) if uri.startswith(URI_PREFIX) else None


class Settings:
    """The backend's settings."""

    def __init__(self, folder: Path) -> None:
        self.work_dir = folder / "steps"
        self.environments_dir = folder / "environments"
        self.data_dir = folder
        self.grace_seconds = 0.3
        self.log_limit_bytes = 1 << 20
        self.log_inline_bytes = 0
        self.log_flush_seconds = 60.0
        self.grant_seconds = 60
        self.slots = 2


async def ignore_waiting(_: str) -> None:
    """Ignores what an attempt waits for."""


def first(**changes: Any) -> Execution:
    """The first execution of `launch_command`."""
    return Execution(launch_command(**changes), 1)


async def begin(backend: Backend, execution: Execution) -> Handle:
    """Start an execution on a backend."""
    return await backend.start(execution, await backend.prepare(execution, ignore_waiting))


async def run_on(backend: Backend, execution: Execution) -> ResultManifest:
    """Run an execution on a backend to its end."""
    handle = await begin(backend, execution)
    async with asyncio.timeout(120):
        ended = await backend.wait(execution, handle)
    assert isinstance(ended, ResultManifest), ended
    return ended
