"""A second backend, in memory: it proves that the executor's port fits more than processes.

A `MemoryCluster` stands for a cluster, whose pods run whether an executor lives or not. Each
executor has a `MemoryBackend`, and all of them see the same pods.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from headrace_contracts.launches import LaunchFile, Progress, ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_executor.backends.port import (
    Attempt,
    Handle,
    OpenAmong,
    ReportProgress,
    ReportWaiting,
    Vanished,
)
from headrace_executor.backends.prepare import (
    LaunchPreparer,
    check_command,
    resolve_placeholders,
)
from headrace_executor.core.execution import Execution
from headrace_executor.core.launch import ExecutionPaths, Limits, environment

from tests.support.launches import Objects, Store


class MemoryPod:
    """One launch: it runs its command, one of ``true``, ``false`` and ``sleep SECONDS``, and
    uploads its manifest unless it is killed."""

    def __init__(self, plan: Any, objects: Objects) -> None:
        self._plan = plan
        self._objects = objects
        self._stopped = asyncio.Event()
        self.command_ended = asyncio.Event()
        self.may_upload = asyncio.Event()
        self.may_upload.set()
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        name, *arguments = self._plan.argv
        failure = None
        try:
            async with asyncio.timeout(float(arguments[0]) if name == "sleep" else 0):
                await self._stopped.wait()
                failure = {"code": "CANCELED", "message": "the step was canceled"}
        except TimeoutError:
            if name == "false":
                failure = {"code": "COMMAND_FAILED", "message": "the command failed"}
        self.command_ended.set()
        await self.may_upload.wait()
        manifest = {
            "launch_id": self._plan.launch_id,
            "execution": self._plan.execution,
            "state": "FAILED" if failure else "SUCCEEDED",
            "failure": failure,
            "finished_at": datetime.now(UTC).isoformat(),
        }
        self._objects.held[self._plan.result.key] = json.dumps(manifest).encode()

    def stop(self) -> None:
        """End its command."""
        self._stopped.set()

    def kill(self) -> None:
        """End it without a manifest."""
        self.task.cancel()


class MemoryCluster:
    """Pods by name."""

    def __init__(self, objects: Objects, room: int = 2) -> None:
        self.objects = objects
        self.room = room
        self.pods: dict[str, MemoryPod] = {}
        self.started: list[str] = []


class MemoryBackend:
    """One executor's view of the cluster."""

    is_shared = True

    def __init__(self, cluster: MemoryCluster, owner: str = "memory") -> None:
        self.owner = owner
        self._cluster = cluster
        store: Any = Store(cluster.objects)
        self._preparer = LaunchPreparer(store, Limits(1, 1 << 20, 60), 60)
        self._reserved = 0
        self.cleaned_runs: list[UUID] = []

    def reserve(self, command: LaunchAttempt, *, is_running: bool) -> bool:
        if self._reserved >= self._cluster.room and not is_running:
            return False
        self._reserved += 1
        return True

    def release(self, command: LaunchAttempt) -> None:
        self._reserved -= 1

    async def prepare(self, execution: Execution, report_waiting: ReportWaiting) -> LaunchFile:
        paths, command = ExecutionPaths(PurePosixPath("/attempt")), execution.command
        inputs = await self._preparer.inputs(command, paths)
        argv, env = resolve_placeholders(command, paths, inputs)
        complete = environment(execution, paths, path="/bin", passed_on={}, env=env, marks={})
        check_command(command, argv, complete)
        return await self._preparer.launch_file(execution, paths, inputs, argv=argv, env=complete)

    async def start(self, execution: Execution, plan: LaunchFile) -> Handle:
        name = execution.launch_id
        if name not in self._cluster.pods:  # a repeated creation finds the pod
            self._cluster.pods[name] = MemoryPod(plan, self._cluster.objects)
            self._cluster.started.append(name)
        return {"pod": name}

    async def find(self, execution: Execution, handle: Handle | None) -> Handle | None:
        name = execution.launch_id
        is_there = name in self._cluster.pods
        if is_there or await self._preparer.uploaded_manifest(execution) is not None:
            return {"pod": name}
        return None

    async def wait(self, execution: Execution, handle: Handle) -> ResultManifest | Vanished:
        pod = self._cluster.pods.get(str(handle["pod"]))
        if pod is not None:
            await asyncio.wait({pod.task})
        manifest = await self._preparer.uploaded_manifest(execution)
        return Vanished("the pod was deleted") if manifest is None else manifest

    async def follow(self, execution: Execution, handle: Handle, report: ReportProgress) -> None:
        pod = self._cluster.pods.get(str(handle["pod"]))
        if pod is not None:
            await pod.command_ended.wait()
            await report(Progress(command_ended=True))

    async def stop(self, execution: Execution, handle: Handle) -> None:
        pod = self._cluster.pods.get(str(handle["pod"]))
        if pod is not None:
            pod.stop()

    def describe(self, handle: Handle) -> str | None:
        return f"pod {handle['pod']}"

    async def clean(self, execution: Execution) -> None:
        pod = self._cluster.pods.pop(execution.launch_id, None)
        if pod is not None:
            pod.kill()
        self._cluster.objects.held.pop(execution.result_key, None)

    async def clean_run(self, run_id: UUID) -> None:
        self.cleaned_runs.append(run_id)

    async def sweep(self, open_among: OpenAmong) -> int:
        found = {name: attempt_of(name) for name in self._cluster.pods}
        left = set(found.values())
        left -= await open_among(list(left))
        for name in [name for name, attempt in found.items() if attempt in left]:
            self._cluster.pods.pop(name).kill()
        return len(left)


def attempt_of(name: str) -> Attempt:
    """The attempt of a launch id."""
    return UUID(name[:36]), UUID(name[37:73]), int(name[74:].partition("-")[0])
