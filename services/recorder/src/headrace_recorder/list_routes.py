"""Lists over HTTP: runs, tasks, artifacts, and what tasks used and made. And one of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from headrace_contracts.access import Access, Role
from headrace_contracts.base import Contract
from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable
from headrace_contracts.resources import (
    ArtifactPage,
    ArtifactRecord,
    ArtifactTask,
    ArtifactTaskPage,
    RunPage,
    TaskPage,
)
from headrace_contracts.states import RunState
from headrace_runtime.access import Caller, listed_namespace, require
from headrace_runtime.errors import RejectedError
from headrace_runtime.lists.filters import Operation, Predicate, filter_text, refused
from headrace_runtime.lists.page import Asked
from headrace_runtime.pg.database import Database

from headrace_recorder import lists, store
from headrace_recorder.core.projection import TaskRow
from headrace_recorder.lists import Listings
from headrace_recorder.views import missing, run_view, task_view

_MOST_IDS = 100


def _asked(
    namespace: str | None = None,
    filter: str = "",
    sort_by: str = "",
    page_size: int = 0,
    page_token: str = "",
) -> Asked:
    """What every list takes.

    Raises:
        RejectedError: a text has characters that no row can have.
    """
    for name, text in (("namespace", namespace or ""), ("sort_by", sort_by)):
        if unstorable(text) is not None:
            raise RejectedError.because(RejectionCode.MALFORMED, f"{name} is no text", name)
    return Asked(namespace, filter, sort_by, page_size, page_token)


List = Annotated[Asked, Depends(_asked)]
Ids = Annotated[Sequence[UUID], Query(max_length=_MOST_IDS)]


def list_router(database: Database, listings: Listings) -> APIRouter:
    """The routes of lists."""
    router = APIRouter()

    @router.get("/runs")
    async def list_runs(
        caller: Caller,
        asked: List,
        experiment_id: UUID | None = None,
        state: RunState | None = None,
        archived: bool | None = None,
        recurring_run_id: UUID | None = None,
    ) -> Response:
        where = {
            "experiment_id": experiment_id,
            "state": state,
            "archived": archived,
            "recurring_run_id": recurring_run_id,
        }
        page = listings.runs.page(_of_one_namespace(caller, replace(asked, where=where)))
        async with database.read() as connection:
            found = await lists.runs(connection, page)
            metrics = await store.metrics_of_runs(connection, [r["run_id"] for r in found.rows])
        runs = tuple(
            run_view(store.run_row(row), row["version"], None, metrics[row["run_id"]])
            for row in found.rows
        )
        return _json(
            RunPage(runs=runs, next_page_token=found.next_page_token, total_size=found.total)
        )

    @router.get("/tasks")
    async def list_tasks(
        caller: Caller,
        asked: List,
        run_id: UUID | None = None,
        parent_task_id: UUID | None = None,
    ) -> Response:
        """Of a run, of what is inside of a task, or of a namespace."""
        where = {"run_id": run_id, "parent_task_id": parent_task_id}
        if run_id is not None:
            asked = await _of_run(caller, asked, run_id)
        elif parent_task_id is not None:
            parent = await _task(caller, parent_task_id)
            asked = await _of_run(caller, asked, parent.run_id)
        page = listings.tasks.page(_of_one_namespace(caller, replace(asked, where=where)))
        async with database.read() as connection:
            found = await lists.tasks(connection, page)
        tasks = tuple(task_view(store.task_row(row), in_run=False) for row in found.rows)
        return _json(
            TaskPage(tasks=tasks, next_page_token=found.next_page_token, total_size=found.total)
        )

    @router.get("/tasks/{task_id}")
    async def get_task(caller: Caller, task_id: UUID) -> Response:
        return _json(task_view(await _task(caller, task_id), in_run=False))

    async def _task(caller: Access, task_id: UUID) -> TaskRow:
        async with database.read() as connection:
            found = await store.task_by_id(connection, task_id, caller.visible)
        if found is None or found.plan is None:
            raise missing(f"there is no task {task_id}")
        return found

    async def _of_run(caller: Access, asked: Asked, run_id: UUID) -> Asked:
        """The request for the namespace of a run."""
        async with database.read() as connection:
            known = await store.submissions(connection, [run_id], caller.visible)
        if not known or asked.namespace not in (None, "", known[0]["namespace"]):
            raise missing(f"there is no run {run_id}")
        return replace(asked, namespace=known[0]["namespace"])

    @router.get("/artifacts")
    async def list_artifacts(
        caller: Caller, asked: List, run_id: UUID | None = None, task_id: UUID | None = None
    ) -> Response:
        where = {"run_id": run_id, "task_id": task_id}
        if run_id is not None:
            asked = await _of_run(caller, asked, run_id)
        page = listings.artifacts.page(_of_one_namespace(caller, replace(asked, where=where)))
        async with database.read() as connection:
            found = await lists.artifacts(connection, page)
        artifacts = tuple(ArtifactRecord.model_validate(dict(row)) for row in found.rows)
        return _json(
            ArtifactPage(
                artifacts=artifacts, next_page_token=found.next_page_token, total_size=found.total
            )
        )

    @router.get("/artifacts/{artifact_id}")
    async def get_artifact(caller: Caller, artifact_id: UUID) -> Response:
        async with database.read() as connection:
            found = await store.artifact_by_id(connection, artifact_id, caller.visible)
        if found is None:
            raise missing(f"there is no artifact {artifact_id}")
        return _json(ArtifactRecord.model_validate(found))

    @router.get("/artifact-tasks")
    async def list_artifact_tasks(
        caller: Caller,
        asked: List,
        artifact_id: Ids = (),
        run_id: Ids = (),
        task_id: Ids = (),
        type: Literal["INPUT", "OUTPUT"] | None = None,
    ) -> Response:
        """Of artifacts, runs or tasks: at least one of them has to be named."""
        ids = {"artifact_id": artifact_id, "run_id": run_id, "task_id": task_id}
        if not any(ids.values()):
            raise RejectedError.because(
                RejectionCode.MALFORMED, "name an artifact_id, a run_id or a task_id", "artifact_id"
            )
        if asked.filter:
            raise refused("this list has none")
        given = tuple(
            Predicate(name, Operation.IN, tuple(str(one) for one in some))
            for name, some in ids.items()
            if some
        )
        visible = caller.visible
        if asked.namespace:
            require(caller, Role.VIEWER, asked.namespace)
            visible = (asked.namespace,)
        where = {"type": type}
        page = listings.artifact_tasks.page(
            replace(asked, namespace=None, filter=filter_text(given), where=where)
        )
        async with database.read() as connection:
            found = await lists.artifact_tasks(connection, page, visible)
        rows = tuple(ArtifactTask.model_validate(dict(row)) for row in found.rows)
        return _json(
            ArtifactTaskPage(
                artifact_tasks=rows, next_page_token=found.next_page_token, total_size=found.total
            )
        )

    return router


def _of_one_namespace(caller: Access, asked: Asked) -> Asked:
    """The request for the one namespace that the list is of."""
    return replace(asked, namespace=listed_namespace(caller, asked.namespace))


def _json(value: Contract) -> Response:
    return Response(value.to_json(), media_type="application/json")
