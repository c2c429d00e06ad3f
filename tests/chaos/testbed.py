"""The deployment under test: where it is, how it is reached, and where evidence is kept."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.chaos import processes
from tests.chaos.clocks import Clocks
from tests.chaos.journal import Answer, Journal
from tests.support.deployment import Deployment

SLOTS = 16
"""Steps at a time. Most of them sleep; a canary that waits for a slot would measure the queue."""
_SLOW_SECONDS = 5.0
_FILE_SYSTEM_BYTES = 8 * 1024**3
_T = TypeVar("_T")


class Testbed:
    """A deployment with a folder of evidence beside it, which is outside of its data."""

    __test__ = False

    def __init__(self, journal: Journal, settings: Mapping[str, str]) -> None:
        self.journal = journal
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-chaos-", dir="/var/tmp"))
        self.folder.chmod(0o711)  # as root, Postgres runs as another user
        self.effects = self.folder / "effects"
        (self.effects / "runs").mkdir(parents=True)
        (self.effects / "starts").touch()
        data = self.folder / "data"
        data.mkdir(mode=0o711)
        self.own_file_system = _mount(data)
        self.clocks = Clocks(self.folder)
        self.deployment = Deployment(
            {"HEADRACE_EXECUTOR_SLOTS": str(SLOTS), **settings},
            data=data,
            headrace=self.clocks.headrace,
        )
        self.data = data
        self._client: httpx.AsyncClient | None = None

    def secrets(self) -> dict[str, str]:
        """The operator's credentials."""
        return dict(json.loads((self.data / "secrets.json").read_text()))

    def ports(self) -> dict[str, int]:
        """The ports of services and servers."""
        return dict(json.loads((self.data / "ports.json").read_text()))

    async def in_thread(self, call: Callable[..., _T], *arguments: Any) -> _T:
        """Run a blocking call without blocking the harness."""
        return await asyncio.to_thread(call, *arguments)

    async def command(self, *arguments: str, seconds: float = 200) -> tuple[int, str]:
        """Run a command of ``headrace``; returns its exit status and output. A command that does
        not end has the status 124."""
        try:
            done = await self.in_thread(
                lambda: self.deployment.command(*arguments, seconds=seconds)
            )
        except subprocess.TimeoutExpired:
            return 124, f"headrace {' '.join(arguments)} did not end within {seconds:.0f} s"
        return done.returncode, (done.stdout + done.stderr).strip()

    async def status(self) -> dict[str, Any]:
        """What ``headrace status`` says; empty if it says nothing."""
        _, output = await self.command("status", "--json")
        try:
            return dict(json.loads(output))
        except ValueError:
            return {}

    @property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client of the gateway."""
        if self._client is None:
            token = self.secrets()["owner_token"]
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {token}"},
                timeout=httpx.Timeout(60, connect=5),
                limits=httpx.Limits(max_connections=400),
                trust_env=False,
            )
        return self._client

    async def request(
        self, method: str, path: str, *, patience: float | None = None, **options: Any
    ) -> httpx.Response | None:
        """One request to the gateway; None if there was no response. `patience`: seconds."""
        began = time.time()
        if patience is not None:
            options["timeout"] = patience
        try:
            response = await self.client.request(method, self.deployment.url + path, **options)
        except (httpx.HTTPError, OSError):
            return None
        seconds = time.time() - began
        if seconds > _SLOW_SECONDS or response.status_code >= 500:
            self.journal.answers.append(
                Answer(
                    began, f"{method} {path}", response.status_code, seconds, response.text[:300]
                )
            )
        return response

    async def get(self, path: str, **options: Any) -> Any:
        """The JSON of a GET, which is repeated for up to two minutes; None for 404."""
        deadline = time.monotonic() + 120
        while True:
            response = await self.request("GET", path, **options)
            if response is not None and response.status_code == 404:
                return None
            if response is not None and response.status_code == 200:
                return response.json()
            if time.monotonic() > deadline:
                raise TimeoutError(f"GET {path} had no answer for two minutes")
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """Stop the deployment."""
        if self._client is not None:
            await self._client.aclose()
        for process in processes.of_deployment(self.data):
            processes.send(process, signal.SIGCONT)
        await self.command("down")

    async def remove(self, *, keep: bool) -> None:
        """Delete the stopped deployment, unless it is kept as evidence."""
        if keep:
            print(f"Kept: {self.folder}", flush=True)
        if self.own_file_system:
            await self.in_thread(_unmount, self.data, keep)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _mount(folder: Path) -> bool:
    """Give the data folder a file system of its own, which can be made full. Needs root."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_FILE_SYSTEM_BYTES},mode=711", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _unmount(folder: Path, keep: bool) -> None:
    """Give the memory of the file system back. What is kept moves to the disk."""
    kept = folder.with_name("kept")
    if keep:
        subprocess.run(["cp", "--archive", str(folder), str(kept)], check=False)
    done = subprocess.run(["umount", "--lazy", str(folder)], check=False)
    if keep and done.returncode == 0:
        folder.rmdir()
        kept.rename(folder)


def resize(folder: Path, size: int | None) -> None:
    """Change the size of the data folder's file system; None for the normal size."""
    options = f"remount,size={size or _FILE_SYSTEM_BYTES}"
    subprocess.run(["mount", "-o", options, str(folder)], check=True, capture_output=True)
