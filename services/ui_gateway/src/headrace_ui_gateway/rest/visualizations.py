"""``/api/v1``: what the artifacts of runs show.

Content is read by the links that recorder gives into the deployment's own object store, and by no
address that a step has told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse
from headrace_contracts.failures import RejectionCode
from headrace_contracts.resources import ArtifactRecord, Task
from headrace_runtime.errors import RejectedError

from headrace_ui_gateway.rest.description.document import ETAG
from headrace_ui_gateway.rest.http.requests import IfNoneMatch, answered, new_router
from headrace_ui_gateway.upstream.client import Backend, Runs
from headrace_ui_gateway.upstream.downloads import fetched
from headrace_ui_gateway.visualizations.artifacts import (
    MOST_BYTES,
    Content,
    Made,
    Read,
    Reading,
    Viewer,
    rendered,
    visualizations,
)
from headrace_ui_gateway.visualizations.charts import FaultError
from headrace_ui_gateway.visualizations.models import (
    AnyVisualization,
    Html,
    Visualizations,
)
from headrace_ui_gateway.visualizations.viewers import viewer_of

T = TypeVar("T")
_MOST = 200
"""Of one answer; more are asked for task by task."""
_MOST_BYTES_OF_ANSWER = 16 * 1024 * 1024
_MOST_RENDERED = 64 * 1024
"""Characters of Markdown in one answer: two seconds of work when they are meant to be hard."""
_AT_ONE_TIME = 4
_FRAMED = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data:; "
        "worker-src blob:; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "private, no-cache",
}
"""A stranger's page: of no origin, so that it has nobody's cookies; without the network, so that it
tells nobody what it shows."""


def visualizations_router(recorder: Backend, runs: Runs) -> APIRouter:
    """The routes over the recorder."""
    router = new_router("visualizations")

    @router.get("/runs/{run_id}/visualizations", response_model=Visualizations, responses=ETAG)
    async def list_visualizations(
        run_id: UUID,
        task_id: Annotated[
            UUID | None, Query(description="Those of this task, and of all inside of it, alone.")
        ] = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """List what a run shows: tables, confusion matrices, curves, scalars, texts and pages, from
        its artifacts of KFP's types and from the files of version 1. What cannot be shown is in the
        list with the reason."""
        run = await runs.get(str(run_id))
        made = _made(_within(run.tasks or (), task_id))
        return answered(await _Reader(recorder, run_id).all(made), if_none_match)

    @router.get(
        "/artifacts/{artifact_id}/visualizations", response_model=Visualizations, responses=ETAG
    )
    async def list_artifact_visualizations(
        artifact_id: UUID, if_none_match: IfNoneMatch = None
    ) -> Response:
        """List what an artifact shows."""
        return answered(await of_artifact(artifact_id), if_none_match)

    @router.get(
        "/artifacts/{artifact_id}/visualizations/{position}/page", response_class=HTMLResponse
    )
    async def get_page(
        artifact_id: UUID, position: Annotated[int, Path(ge=0, le=1_000_000)]
    ) -> HTMLResponse:
        """Read a visualization of type `html` as a page. It has no origin and reaches no network;
        what it needs has to be in it."""
        shown = await of_artifact(artifact_id)
        for one in shown.visualizations:
            if isinstance(one, Html) and one.position == position:
                return HTMLResponse(one.text, headers=_FRAMED)
        raise RejectedError.because(
            RejectionCode.NOT_FOUND,
            f"artifact {artifact_id} shows no page at {position}",
            "position",
        )

    async def of_artifact(artifact_id: UUID) -> Visualizations:
        found = await recorder.get(ArtifactRecord, f"/artifacts/{artifact_id}")
        task = await recorder.get(Task, f"/tasks/{found.task_id}")
        made = [one for one in _made([task]) if one.artifact.artifact_id == artifact_id]
        return await _Reader(recorder, found.run_id).all(made)

    return router


def _within(tasks: Iterable[Task], task_id: UUID | None) -> list[Task]:
    """A task and those inside of it; without an id all of them.

    Raises:
        RejectedError: there is none with this id.
    """
    known = list(tasks)
    if task_id is None:
        return known
    outer = next((task for task in known if task.task_id == task_id), None)
    if outer is None:
        raise RejectedError.because(
            RejectionCode.NOT_FOUND, f"the run has no task {task_id}", "task_id"
        )
    return [task for task in known if f"{task.path}/".startswith(f"{outer.path}/")]


def _made(tasks: Iterable[Task]) -> list[Made]:
    return [
        Made(task.task_id, task.path, output, at, artifact)
        for task in tasks
        for output, artifacts in task.outputs.artifacts.items()
        for at, artifact in enumerate(artifacts)
    ]


class _Reader:
    """Carries out what viewers want read, for one answer about one run."""

    def __init__(self, recorder: Backend, run_id: UUID) -> None:
        self._recorder = recorder
        self._run = f"/runs/{run_id}"
        self._places = asyncio.Semaphore(_AT_ONE_TIME)
        self._left = _MOST_BYTES_OF_ANSWER

    async def all(self, made: Iterable[Made]) -> Visualizations:
        """What artifacts show.

        Raises:
            RetryableError: recorder or the object store is away.
        """
        viewed = [(one, viewer_of(one.output, one.artifact)) for one in made]
        chosen = [(one, viewer) for one, viewer in viewed if viewer is not None]
        several = await asyncio.gather(*(self._one(*each) for each in chosen[:_MOST]))
        found = [shown for some in several for shown in some]
        shown = await asyncio.to_thread(lambda: tuple(rendered(found[:_MOST], _MOST_RENDERED)))
        truncated = len(chosen) > _MOST or len(found) > _MOST
        return Visualizations(visualizations=shown, truncated=truncated)

    async def _one(self, made: Made, viewer: Viewer) -> list[AnyVisualization]:
        async with self._places:
            reading = visualizations(made, viewer)
            came: Content | FaultError | None = None
            while True:
                # A large file takes a while to be understood.
                wanted, shown = await asyncio.to_thread(_advance, reading, came)
                if wanted is None:
                    return shown or []
                came = await self._read(made, wanted)

    async def _read(self, made: Made, wanted: Read) -> Content | FaultError:
        if self._left <= 0:
            return FaultError("there is too much to show at one time; ask for this artifact alone")
        try:
            url = await self._link(made, wanted)
            data, whole = await fetched(url, MOST_BYTES)
        except RejectedError as error:
            return FaultError(error.rejection.message)
        except FaultError as fault:
            return fault
        self._left -= len(data)
        return Content(data, whole)

    async def _link(self, made: Made, wanted: Read) -> str:
        """A link into the object store.

        Raises:
            FaultError: it is not one object of this deployment's store.
            RejectedError: it is not to be read for this run.
        """
        if wanted.uri is not None:
            return str((await self._ask("/source", uri=wanted.uri))["url"])
        output = quote(made.output, safe="")
        path = f"/tasks/{made.task_id}/artifacts/{output}"
        url = (await self._ask(path, index=made.index)).get("url")
        if url is None:
            raise FaultError("the artifact is a folder, not a file")
        if url == made.artifact.uri:  # an address that anybody can name
            raise FaultError(f"the artifact is at {url}, from where nothing is fetched")
        return str(url)

    async def _ask(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self._recorder.call("GET", self._run + path, params=params)
        return dict(answer.json())


def _advance(
    reading: Reading[T], came: Content | FaultError | None
) -> tuple[Read | None, T | None]:
    """What a viewer wants next, or what came of it."""
    try:
        if isinstance(came, FaultError):
            return reading.throw(came), None
        return (next(reading) if came is None else reading.send(came)), None
    except StopIteration as end:
        return None, end.value
