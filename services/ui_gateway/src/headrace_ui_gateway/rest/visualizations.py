"""``/api/v1``: visualizations of artifacts.

Content is downloaded only by links that the recorder gives into the deployment's own object store,
never from an address that a step has written.
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
from headrace_ui_gateway.rest.http.parameters import IfNoneMatch
from headrace_ui_gateway.rest.http.responses import resource_response
from headrace_ui_gateway.rest.http.routes import new_router
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.downloads import download
from headrace_ui_gateway.upstream.runs import Runs
from headrace_ui_gateway.visualizations.artifacts import (
    MAX_BYTES,
    Content,
    OutputArtifact,
    Read,
    Reading,
    Viewer,
    visualizations,
    with_html,
)
from headrace_ui_gateway.visualizations.charts import FaultError
from headrace_ui_gateway.visualizations.models import (
    AnyVisualization,
    Html,
    Visualizations,
)
from headrace_ui_gateway.visualizations.viewers import viewer_of

T = TypeVar("T")
_MAX_VISUALIZATIONS = 200
"""In one response; clients read more of them task by task."""
_MAX_RESPONSE_BYTES = 16 * 1024 * 1024
_MAX_RENDERED = 64 * 1024
"""Characters of Markdown in one response: at most two seconds of work for malicious input."""
_MAX_DOWNLOADS = 4
"""At the same time."""
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data:; "
        "worker-src blob:; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "private, no-cache",
}
"""The page is untrusted. Without an origin it has no cookies; without network access it cannot send
what it shows anywhere."""


def visualizations_router(recorder: ServiceClient, runs: Runs) -> APIRouter:
    """The routes of visualizations."""
    router = new_router("visualizations")

    @router.get("/runs/{run_id}/visualizations", response_model=Visualizations, responses=ETAG)
    async def list_visualizations(
        run_id: UUID,
        task_id: Annotated[
            UUID | None, Query(description="Only this task and the tasks inside it.")
        ] = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """List a run's visualizations: tables, confusion matrices, curves, scalars, texts and
        pages, from artifacts of KFP's types and from the files of KFP version 1. An artifact that
        cannot be shown is listed with the reason."""
        run = await runs.get(str(run_id))
        outputs = _outputs(_inside(run.tasks or (), task_id))
        found = await _Reader(recorder, run_id).visualize(outputs)
        return resource_response(found, if_none_match)

    @router.get(
        "/artifacts/{artifact_id}/visualizations", response_model=Visualizations, responses=ETAG
    )
    async def list_artifact_visualizations(
        artifact_id: UUID, if_none_match: IfNoneMatch = None
    ) -> Response:
        """List an artifact's visualizations."""
        return resource_response(await of_artifact(artifact_id), if_none_match)

    @router.get(
        "/artifacts/{artifact_id}/visualizations/{position}/page", response_class=HTMLResponse
    )
    async def get_page(
        artifact_id: UUID, position: Annotated[int, Path(ge=0, le=1_000_000)]
    ) -> HTMLResponse:
        """Read a visualization of type `html` as a page. The page has no origin and no network
        access; it must contain all of its resources."""
        shown = await of_artifact(artifact_id)
        for one in shown.visualizations:
            if isinstance(one, Html) and one.position == position:
                return HTMLResponse(one.text, headers=_PAGE_HEADERS)
        raise RejectedError.because(
            RejectionCode.NOT_FOUND,
            f"artifact {artifact_id} has no page at position {position}",
            "position",
        )

    async def of_artifact(artifact_id: UUID) -> Visualizations:
        found = await recorder.get(ArtifactRecord, f"/artifacts/{artifact_id}")
        task = await recorder.get(Task, f"/tasks/{found.task_id}")
        outputs = [one for one in _outputs([task]) if one.artifact.artifact_id == artifact_id]
        return await _Reader(recorder, found.run_id).visualize(outputs)

    return router


def _inside(tasks: Iterable[Task], task_id: UUID | None) -> list[Task]:
    """A task and the tasks inside it; all tasks without an id.

    Raises:
        RejectedError: no task has this id.
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


def _outputs(tasks: Iterable[Task]) -> list[OutputArtifact]:
    return [
        OutputArtifact(task.task_id, task.path, output, at, artifact)
        for task in tasks
        for output, artifacts in task.outputs.artifacts.items()
        for at, artifact in enumerate(artifacts)
    ]


class _Reader:
    """Downloads what the viewers read, for one response about one run."""

    def __init__(self, recorder: ServiceClient, run_id: UUID) -> None:
        self._recorder = recorder
        self._run = f"/runs/{run_id}"
        self._downloads = asyncio.Semaphore(_MAX_DOWNLOADS)
        self._bytes_left = _MAX_RESPONSE_BYTES

    async def visualize(self, outputs: Iterable[OutputArtifact]) -> Visualizations:
        """The visualizations of artifacts.

        Raises:
            RetryableError: the recorder or the object store is unavailable.
        """
        viewers = [(one, viewer_of(one.output, one.artifact)) for one in outputs]
        pending = [(one, viewer) for one, viewer in viewers if viewer is not None]
        lists = await asyncio.gather(*(self._one(*each) for each in pending[:_MAX_VISUALIZATIONS]))
        found = [shown for one in lists for shown in one]
        shown = await asyncio.to_thread(
            lambda: tuple(with_html(found[:_MAX_VISUALIZATIONS], _MAX_RENDERED))
        )
        truncated = len(pending) > _MAX_VISUALIZATIONS or len(found) > _MAX_VISUALIZATIONS
        return Visualizations(visualizations=shown, truncated=truncated)

    async def _one(self, output: OutputArtifact, viewer: Viewer) -> list[AnyVisualization]:
        async with self._downloads:
            reading = visualizations(output, viewer)
            result: Content | FaultError | None = None
            while True:
                # In a thread: parsing a large file takes a while.
                request, shown = await asyncio.to_thread(_advance, reading, result)
                if request is None:
                    return shown or []
                result = await self._read(output, request)

    async def _read(self, output: OutputArtifact, request: Read) -> Content | FaultError:
        if self._bytes_left <= 0:
            return FaultError("too much content for one response; request this artifact alone")
        try:
            url = await self._link(output, request)
            data, whole = await download(url, MAX_BYTES)
        except RejectedError as error:
            return FaultError(error.rejection.message)
        except FaultError as fault:
            return fault
        self._bytes_left -= len(data)
        return Content(data, whole)

    async def _link(self, output: OutputArtifact, request: Read) -> str:
        """A link into the object store.

        Raises:
            FaultError: it is not a single object of this deployment's store.
            RejectedError: this run may not read it.
        """
        if request.uri is not None:
            return str((await self._get("/source", uri=request.uri))["url"])
        name = quote(output.output, safe="")
        path = f"/tasks/{output.task_id}/artifacts/{name}"
        url = (await self._get(path, index=output.index)).get("url")
        if url is None:
            raise FaultError("the artifact is a folder, not a file")
        if url == output.artifact.uri:  # a step may write any address there
            raise FaultError(f"the artifact is at {url}, outside of the deployment's object store")
        return str(url)

    async def _get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self._recorder.call("GET", self._run + path, params=params)
        return dict(answer.json())


def _advance(
    reading: Reading[T], result: Content | FaultError | None
) -> tuple[Read | None, T | None]:
    """Pass a viewer the result of its last request. Returns its next request, or what it made."""
    try:
        if isinstance(result, FaultError):
            return reading.throw(result), None
        return (next(reading) if result is None else reading.send(result)), None
    except StopIteration as end:
        return None, end.value
