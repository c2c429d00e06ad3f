"""The two clients: the same operations, blocking and with asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

from headrace.client.drive import Awaiting, AwaitingCore, Blocking, BlockingCore
from headrace.client.operations import artifacts as a
from headrace.client.operations import pipelines as p
from headrace.client.operations import recurring as c
from headrace.client.operations import runs as r
from headrace.client.progress import Show, progress
from headrace.client.resources import Run
from headrace.client.streams import FollowLog, Watch


class Client(BlockingCore):
    """Talks to one gateway with blocking calls. Threads may share it."""

    me = Blocking(r.me)
    submit = Blocking(r.submit)
    rerun = Blocking(r.rerun)
    run = Blocking(r.run)
    runs = Blocking(r.runs)
    compare = Blocking(r.compare)
    operate = Blocking(r.operate)
    cancel = Blocking(r.cancel)
    retry = Blocking(r.retry)
    pause = Blocking(r.pause)
    resume = Blocking(r.resume)
    archive = Blocking(r.archive)
    unarchive = Blocking(r.unarchive)
    delete = Blocking(r.delete)
    rerun_preview = Blocking(r.rerun_preview)
    events = Blocking(r.events)
    log = Blocking(r.log)
    upload_pipeline = Blocking(p.upload_pipeline)
    upload_version = Blocking(p.upload_version)
    pipeline = Blocking(p.pipeline)
    pipelines = Blocking(p.pipelines)
    version = Blocking(p.version)
    versions = Blocking(p.versions)
    delete_pipeline = Blocking(p.delete_pipeline)
    delete_version = Blocking(p.delete_version)
    create_experiment = Blocking(p.create_experiment)
    experiment = Blocking(p.experiment)
    experiments = Blocking(p.experiments)
    operate_experiment = Blocking(p.operate_experiment)
    delete_experiment = Blocking(p.delete_experiment)
    schedule = Blocking(c.schedule)
    create_recurring = Blocking(c.create_recurring)
    recurring = Blocking(c.recurring)
    recurring_runs = Blocking(c.recurring_runs)
    edit_recurring = Blocking(c.edit_recurring)
    switch_recurring = Blocking(c.switch_recurring)
    delete_recurring = Blocking(c.delete_recurring)
    next_moments = Blocking(c.next_moments)
    artifact = Blocking(a.artifact)
    artifacts = Blocking(a.artifacts)
    lineage = Blocking(a.lineage)
    download = Blocking(a.download)
    read = Blocking(a.read)
    table = Blocking(a.table)

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

    def follow_log(self, run: Run | str, task_id: str) -> Iterator[bytes]:
        """A task's log, bit by bit as it is written, until the task has ended."""
        return self.stream(FollowLog(self.url, _id(run), task_id))

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

    me = Awaiting(r.me)
    submit = Awaiting(r.submit)
    rerun = Awaiting(r.rerun)
    run = Awaiting(r.run)
    runs = Awaiting(r.runs)
    compare = Awaiting(r.compare)
    operate = Awaiting(r.operate)
    cancel = Awaiting(r.cancel)
    retry = Awaiting(r.retry)
    pause = Awaiting(r.pause)
    resume = Awaiting(r.resume)
    archive = Awaiting(r.archive)
    unarchive = Awaiting(r.unarchive)
    delete = Awaiting(r.delete)
    rerun_preview = Awaiting(r.rerun_preview)
    events = Awaiting(r.events)
    log = Awaiting(r.log)
    upload_pipeline = Awaiting(p.upload_pipeline)
    upload_version = Awaiting(p.upload_version)
    pipeline = Awaiting(p.pipeline)
    pipelines = Awaiting(p.pipelines)
    version = Awaiting(p.version)
    versions = Awaiting(p.versions)
    delete_pipeline = Awaiting(p.delete_pipeline)
    delete_version = Awaiting(p.delete_version)
    create_experiment = Awaiting(p.create_experiment)
    experiment = Awaiting(p.experiment)
    experiments = Awaiting(p.experiments)
    operate_experiment = Awaiting(p.operate_experiment)
    delete_experiment = Awaiting(p.delete_experiment)
    schedule = Awaiting(c.schedule)
    create_recurring = Awaiting(c.create_recurring)
    recurring = Awaiting(c.recurring)
    recurring_runs = Awaiting(c.recurring_runs)
    edit_recurring = Awaiting(c.edit_recurring)
    switch_recurring = Awaiting(c.switch_recurring)
    delete_recurring = Awaiting(c.delete_recurring)
    next_moments = Awaiting(c.next_moments)
    artifact = Awaiting(a.artifact)
    artifacts = Awaiting(a.artifacts)
    lineage = Awaiting(a.lineage)
    download = Awaiting(a.download)
    read = Awaiting(a.read)
    table = Awaiting(a.table)

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

    def follow_log(self, run: Run | str, task_id: str) -> AsyncIterator[bytes]:
        """As `Client.follow_log`."""
        return self.stream(FollowLog(self.url, _id(run), task_id))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _id(run: Run | str) -> str:
    return run.run_id if isinstance(run, Run) else run
