"""The two clients: the same operations, blocking and with asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

from headrace.client.drive import AwaitingCore, BlockingCore, awaiting, blocking
from headrace.client.operations import artifacts as a
from headrace.client.operations import pipelines as p
from headrace.client.operations import recurring as c
from headrace.client.operations import runs as r
from headrace.client.progress import Show, progress
from headrace.client.resources import Run, Task
from headrace.client.streams import FollowLog, Watch


class Client(BlockingCore):
    """Talks to one gateway with blocking calls. Threads may share it."""

    me = blocking(r.me)
    submit = blocking(r.submit)
    rerun = blocking(r.rerun)
    run = blocking(r.run)
    runs = blocking(r.runs)
    compare = blocking(r.compare)
    operate = blocking(r.operate)
    cancel = blocking(r.cancel)
    retry = blocking(r.retry)
    pause = blocking(r.pause)
    resume = blocking(r.resume)
    archive = blocking(r.archive)
    unarchive = blocking(r.unarchive)
    delete = blocking(r.delete)
    rerun_preview = blocking(r.rerun_preview)
    events = blocking(r.events)
    log = blocking(r.log)
    upload_pipeline = blocking(p.upload_pipeline)
    upload_version = blocking(p.upload_version)
    pipeline = blocking(p.pipeline)
    pipelines = blocking(p.pipelines)
    version = blocking(p.version)
    versions = blocking(p.versions)
    delete_pipeline = blocking(p.delete_pipeline)
    delete_version = blocking(p.delete_version)
    create_experiment = blocking(p.create_experiment)
    experiment = blocking(p.experiment)
    experiments = blocking(p.experiments)
    operate_experiment = blocking(p.operate_experiment)
    delete_experiment = blocking(p.delete_experiment)
    schedule = blocking(c.schedule)
    create_recurring = blocking(c.create_recurring)
    recurring = blocking(c.recurring)
    recurring_runs = blocking(c.recurring_runs)
    edit_recurring = blocking(c.edit_recurring)
    switch_recurring = blocking(c.switch_recurring)
    delete_recurring = blocking(c.delete_recurring)
    next_moments = blocking(c.next_moments)
    artifact = blocking(a.artifact)
    artifacts = blocking(a.artifacts)
    lineage = blocking(a.lineage)
    download = blocking(a.download)
    read = blocking(a.read)
    table = blocking(a.table)
    visualizations = blocking(a.visualizations)

    def watch(self, run: Run | str, seconds: float | None = None) -> Iterator[Run]:
        """A run as it stands, and again at each change, until it has ended. A gateway that is away
        for a while is waited for.

        Raises:
            TimeoutError: the run has not ended within `seconds`.
            ClientError: the run is unknown, or the gateway stayed away for a minute.
        """
        return self.stream(Watch(self.url, _id(run), seconds, time.monotonic()))

    def wait(
        self, run: Run | str, timeout: float | None = None, *, show: Show | None = None
    ) -> Run:
        """Wait until a run has ended, and show how it goes on.

        Args:
            run: The run or its id.
            timeout: Seconds after which to give up; the run goes on then.
            show: ``terminal``, ``notebook`` or ``none``; without it, by where the program runs.

        Returns:
            The run as it ended, which may be in failure; ``.check()`` raises then.

        Raises:
            TimeoutError: the run has not ended in time.
            ClientError: the run is unknown, or the gateway stayed away for a minute.
        """
        with progress(show) as told:
            for now in self.watch(run, timeout):
                told(now)
        return now

    def follow_log(self, run: Run | str, task_id: Task | str) -> Iterator[bytes]:
        """A task's log, bit by bit as it is written, until the task has ended."""
        return self.stream(FollowLog(self.url, _id(run), _id(task_id, "task_id")))

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(AwaitingCore):
    """Talks to one gateway with asyncio. It belongs to one event loop."""

    me = awaiting(r.me)
    submit = awaiting(r.submit)
    rerun = awaiting(r.rerun)
    run = awaiting(r.run)
    runs = awaiting(r.runs)
    compare = awaiting(r.compare)
    operate = awaiting(r.operate)
    cancel = awaiting(r.cancel)
    retry = awaiting(r.retry)
    pause = awaiting(r.pause)
    resume = awaiting(r.resume)
    archive = awaiting(r.archive)
    unarchive = awaiting(r.unarchive)
    delete = awaiting(r.delete)
    rerun_preview = awaiting(r.rerun_preview)
    events = awaiting(r.events)
    log = awaiting(r.log)
    upload_pipeline = awaiting(p.upload_pipeline)
    upload_version = awaiting(p.upload_version)
    pipeline = awaiting(p.pipeline)
    pipelines = awaiting(p.pipelines)
    version = awaiting(p.version)
    versions = awaiting(p.versions)
    delete_pipeline = awaiting(p.delete_pipeline)
    delete_version = awaiting(p.delete_version)
    create_experiment = awaiting(p.create_experiment)
    experiment = awaiting(p.experiment)
    experiments = awaiting(p.experiments)
    operate_experiment = awaiting(p.operate_experiment)
    delete_experiment = awaiting(p.delete_experiment)
    schedule = awaiting(c.schedule)
    create_recurring = awaiting(c.create_recurring)
    recurring = awaiting(c.recurring)
    recurring_runs = awaiting(c.recurring_runs)
    edit_recurring = awaiting(c.edit_recurring)
    switch_recurring = awaiting(c.switch_recurring)
    delete_recurring = awaiting(c.delete_recurring)
    next_moments = awaiting(c.next_moments)
    artifact = awaiting(a.artifact)
    artifacts = awaiting(a.artifacts)
    lineage = awaiting(a.lineage)
    download = awaiting(a.download)
    read = awaiting(a.read)
    table = awaiting(a.table)
    visualizations = awaiting(a.visualizations)

    def watch(self, run: Run | str, seconds: float | None = None) -> AsyncIterator[Run]:
        """As `Client.watch`."""
        return self.stream(Watch(self.url, _id(run), seconds, time.monotonic()))

    async def wait(
        self,
        run: Run | str,
        timeout: float | None = None,  # noqa: ASYNC109 - as the blocking client has it
        *,
        show: Show | None = None,
    ) -> Run:
        """As `Client.wait`."""
        with progress(show) as told:
            async for now in self.watch(run, timeout):
                told(now)
        return now

    def follow_log(self, run: Run | str, task_id: Task | str) -> AsyncIterator[bytes]:
        """As `Client.follow_log`."""
        return self.stream(FollowLog(self.url, _id(run), _id(task_id, "task_id")))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _id(thing: Run | Task | str, key: str = "run_id") -> str:
    return thing if isinstance(thing, str) else str(thing[key])
