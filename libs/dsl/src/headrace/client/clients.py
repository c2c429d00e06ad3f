"""The two clients: the same operations with blocking calls and with asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

from headrace.client.operations import artifacts as artifact_ops
from headrace.client.operations import experiments as experiment_ops
from headrace.client.operations import pipelines as pipeline_ops
from headrace.client.operations import recurring as recurring_ops
from headrace.client.operations import runs as run_ops
from headrace.client.progress import Show, progress
from headrace.client.resources import Run, Task
from headrace.client.transport.awaiting import AwaitingClient, awaiting
from headrace.client.transport.blocking import BlockingClient, blocking
from headrace.client.transport.streams import FollowLog, WatchRun


class Client(BlockingClient):
    """A client of one gateway with blocking calls. Thread-safe."""

    me = blocking(run_ops.me)
    submit = blocking(run_ops.submit)
    rerun = blocking(run_ops.rerun)
    run = blocking(run_ops.run)
    runs = blocking(run_ops.runs)
    compare = blocking(run_ops.compare)
    operate = blocking(run_ops.operate)
    cancel = blocking(run_ops.cancel)
    retry = blocking(run_ops.retry)
    pause = blocking(run_ops.pause)
    resume = blocking(run_ops.resume)
    archive = blocking(run_ops.archive)
    unarchive = blocking(run_ops.unarchive)
    delete = blocking(run_ops.delete)
    rerun_preview = blocking(run_ops.rerun_preview)
    events = blocking(run_ops.events)
    log = blocking(run_ops.log)
    upload_pipeline = blocking(pipeline_ops.upload_pipeline)
    upload_version = blocking(pipeline_ops.upload_version)
    pipeline = blocking(pipeline_ops.pipeline)
    pipelines = blocking(pipeline_ops.pipelines)
    version = blocking(pipeline_ops.version)
    versions = blocking(pipeline_ops.versions)
    delete_pipeline = blocking(pipeline_ops.delete_pipeline)
    delete_version = blocking(pipeline_ops.delete_version)
    create_experiment = blocking(experiment_ops.create_experiment)
    experiment = blocking(experiment_ops.experiment)
    experiments = blocking(experiment_ops.experiments)
    operate_experiment = blocking(experiment_ops.operate_experiment)
    delete_experiment = blocking(experiment_ops.delete_experiment)
    schedule = blocking(recurring_ops.schedule)
    create_recurring = blocking(recurring_ops.create_recurring)
    recurring = blocking(recurring_ops.recurring)
    recurring_runs = blocking(recurring_ops.recurring_runs)
    edit_recurring = blocking(recurring_ops.edit_recurring)
    switch_recurring = blocking(recurring_ops.switch_recurring)
    delete_recurring = blocking(recurring_ops.delete_recurring)
    next_moments = blocking(recurring_ops.next_moments)
    artifact = blocking(artifact_ops.artifact)
    artifacts = blocking(artifact_ops.artifacts)
    lineage = blocking(artifact_ops.lineage)
    download = blocking(artifact_ops.download)
    read = blocking(artifact_ops.read)
    table = blocking(artifact_ops.table)
    visualizations = blocking(artifact_ops.visualizations)

    def watch(self, run: Run | str, seconds: float | None = None) -> Iterator[Run]:
        """Yield the run now and at each change, until it has ended. Reconnects if the gateway is
        unavailable for up to a minute.

        Raises:
            TimeoutError: the run has not ended within `seconds`.
            ClientError: the run was not found, or the gateway was unavailable for a minute.
        """
        return self._stream(WatchRun(self.url, _id(run), seconds, time.monotonic()))

    def wait(
        self, run: Run | str, timeout: float | None = None, *, show: Show | None = None
    ) -> Run:
        """Wait until a run has ended, and show its progress.

        Args:
            run: The run or its id.
            timeout: Seconds after which to stop waiting; the run continues.
            show: ``terminal``, ``notebook`` or ``none``. Default: where the program runs.

        Returns:
            The ended run, in any final state; ``.check()`` raises unless it succeeded.

        Raises:
            TimeoutError: the run has not ended in time.
            ClientError: the run was not found, or the gateway was unavailable for a minute.
        """
        with progress(show) as update:
            for now in self.watch(run, timeout):
                update(now)
        return now

    def follow_log(self, run: Run | str, task_id: Task | str) -> Iterator[bytes]:
        """Yield a task's log in chunks as it is written, until the task has ended."""
        return self._stream(FollowLog(self.url, _id(run), _id(task_id, "task_id")))

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(AwaitingClient):
    """A client of one gateway with asyncio. Belongs to one event loop."""

    me = awaiting(run_ops.me)
    submit = awaiting(run_ops.submit)
    rerun = awaiting(run_ops.rerun)
    run = awaiting(run_ops.run)
    runs = awaiting(run_ops.runs)
    compare = awaiting(run_ops.compare)
    operate = awaiting(run_ops.operate)
    cancel = awaiting(run_ops.cancel)
    retry = awaiting(run_ops.retry)
    pause = awaiting(run_ops.pause)
    resume = awaiting(run_ops.resume)
    archive = awaiting(run_ops.archive)
    unarchive = awaiting(run_ops.unarchive)
    delete = awaiting(run_ops.delete)
    rerun_preview = awaiting(run_ops.rerun_preview)
    events = awaiting(run_ops.events)
    log = awaiting(run_ops.log)
    upload_pipeline = awaiting(pipeline_ops.upload_pipeline)
    upload_version = awaiting(pipeline_ops.upload_version)
    pipeline = awaiting(pipeline_ops.pipeline)
    pipelines = awaiting(pipeline_ops.pipelines)
    version = awaiting(pipeline_ops.version)
    versions = awaiting(pipeline_ops.versions)
    delete_pipeline = awaiting(pipeline_ops.delete_pipeline)
    delete_version = awaiting(pipeline_ops.delete_version)
    create_experiment = awaiting(experiment_ops.create_experiment)
    experiment = awaiting(experiment_ops.experiment)
    experiments = awaiting(experiment_ops.experiments)
    operate_experiment = awaiting(experiment_ops.operate_experiment)
    delete_experiment = awaiting(experiment_ops.delete_experiment)
    schedule = awaiting(recurring_ops.schedule)
    create_recurring = awaiting(recurring_ops.create_recurring)
    recurring = awaiting(recurring_ops.recurring)
    recurring_runs = awaiting(recurring_ops.recurring_runs)
    edit_recurring = awaiting(recurring_ops.edit_recurring)
    switch_recurring = awaiting(recurring_ops.switch_recurring)
    delete_recurring = awaiting(recurring_ops.delete_recurring)
    next_moments = awaiting(recurring_ops.next_moments)
    artifact = awaiting(artifact_ops.artifact)
    artifacts = awaiting(artifact_ops.artifacts)
    lineage = awaiting(artifact_ops.lineage)
    download = awaiting(artifact_ops.download)
    read = awaiting(artifact_ops.read)
    table = awaiting(artifact_ops.table)
    visualizations = awaiting(artifact_ops.visualizations)

    def watch(self, run: Run | str, seconds: float | None = None) -> AsyncIterator[Run]:
        """Like `Client.watch`."""
        return self._stream(WatchRun(self.url, _id(run), seconds, time.monotonic()))

    async def wait(
        self,
        run: Run | str,
        timeout: float | None = None,  # noqa: ASYNC109 - the same signature as in Client
        *,
        show: Show | None = None,
    ) -> Run:
        """Like `Client.wait`."""
        with progress(show) as update:
            async for now in self.watch(run, timeout):
                update(now)
        return now

    def follow_log(self, run: Run | str, task_id: Task | str) -> AsyncIterator[bytes]:
        """Like `Client.follow_log`."""
        return self._stream(FollowLog(self.url, _id(run), _id(task_id, "task_id")))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _id(resource: Run | Task | str, key: str = "run_id") -> str:
    return resource if isinstance(resource, str) else str(resource[key])
