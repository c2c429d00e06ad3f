"""Routes of the lists of runs, tasks, artifacts, and the inputs and outputs of tasks."""

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
from headrace_runtime.access import Caller, listed_namespace, require_role
from headrace_runtime.errors import RejectedError
from headrace_runtime.lists.filters import Operation, Predicate, filter_text, invalid_filter
from headrace_runtime.lists.page import PageRequest
from headrace_runtime.pg.database import Database

from headrace_recorder.lists import pages
from headrace_recorder.lists.pages import RecorderLists
from headrace_recorder.metrics.store import metrics_of_runs
from headrace_recorder.runs.access import run_not_found, visible_task
from headrace_recorder.runs.store import run_row, submissions, task_row
from headrace_recorder.runs.views import run_view, task_view

_MOST_IDS = 100
"""How many ids of one kind a request may name."""


def _page_request(
    namespace: str | None = None,
    filter: str = "",
    sort_by: str = "",
    page_size: int = 0,
    page_token: str = "",
) -> PageRequest:
    """The parameters that every list has.

    Raises:
        RejectedError: a value has characters that Postgres cannot store.
    """
    for name, text in (("namespace", namespace or ""), ("sort_by", sort_by)):
        if unstorable(text) is not None:
            raise RejectedError.because(
                RejectionCode.MALFORMED, f"{name} contains characters that cannot be stored", name
            )
    return PageRequest(namespace, filter, sort_by, page_size, page_token)


PageParameters = Annotated[PageRequest, Depends(_page_request)]
Ids = Annotated[Sequence[UUID], Query(max_length=_MOST_IDS)]


def list_router(database: Database, lists: RecorderLists) -> APIRouter:
    """The routes of lists."""
    router = APIRouter()

    @router.get("/runs")
    async def list_runs(
        caller: Caller,
        request: PageParameters,
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
        page = lists.runs.page(_in_one_namespace(caller, replace(request, where=where)))
        async with database.read() as connection:
            found = await pages.runs(connection, page)
            metrics = await metrics_of_runs(connection, [r["run_id"] for r in found.rows])
        runs = tuple(
            run_view(run_row(row), row["version"], None, metrics[row["run_id"]])
            for row in found.rows
        )
        return _json(
            RunPage(runs=runs, next_page_token=found.next_page_token, total_size=found.total)
        )

    @router.get("/tasks")
    async def list_tasks(
        caller: Caller,
        request: PageParameters,
        run_id: UUID | None = None,
        parent_task_id: UUID | None = None,
    ) -> Response:
        """The tasks of a run, those inside a task, or those of a namespace."""
        where = {"run_id": run_id, "parent_task_id": parent_task_id}
        if run_id is not None:
            request = await _in_namespace_of_run(caller, request, run_id)
        elif parent_task_id is not None:
            parent = await visible_task(database, caller, parent_task_id)
            request = await _in_namespace_of_run(caller, request, parent.run_id)
        page = lists.tasks.page(_in_one_namespace(caller, replace(request, where=where)))
        async with database.read() as connection:
            found = await pages.tasks(connection, page)
        tasks = tuple(task_view(task_row(row), in_run=False) for row in found.rows)
        return _json(
            TaskPage(tasks=tasks, next_page_token=found.next_page_token, total_size=found.total)
        )

    async def _in_namespace_of_run(
        caller: Access, request: PageRequest, run_id: UUID
    ) -> PageRequest:
        """The request, limited to the namespace of a run."""
        async with database.read() as connection:
            known = await submissions(connection, [run_id], caller.visible)
        if not known or request.namespace not in (None, "", known[0]["namespace"]):
            raise run_not_found(run_id)
        return replace(request, namespace=known[0]["namespace"])

    @router.get("/artifacts")
    async def list_artifacts(
        caller: Caller,
        request: PageParameters,
        run_id: UUID | None = None,
        task_id: UUID | None = None,
    ) -> Response:
        where = {"run_id": run_id, "task_id": task_id}
        if run_id is not None:
            request = await _in_namespace_of_run(caller, request, run_id)
        page = lists.artifacts.page(_in_one_namespace(caller, replace(request, where=where)))
        async with database.read() as connection:
            found = await pages.artifacts(connection, page)
        artifacts = tuple(ArtifactRecord.model_validate(dict(row)) for row in found.rows)
        return _json(
            ArtifactPage(
                artifacts=artifacts, next_page_token=found.next_page_token, total_size=found.total
            )
        )

    @router.get("/artifact-tasks")
    async def list_artifact_tasks(
        caller: Caller,
        request: PageParameters,
        artifact_id: Ids = (),
        run_id: Ids = (),
        task_id: Ids = (),
        type: Literal["INPUT", "OUTPUT"] | None = None,
    ) -> Response:
        """The inputs and outputs of tasks that refer to some artifacts, runs or tasks; at least one
        id is required."""
        ids = {"artifact_id": artifact_id, "run_id": run_id, "task_id": task_id}
        if not any(ids.values()):
            raise RejectedError.because(
                RejectionCode.MALFORMED, "artifact_id, run_id or task_id is required", "artifact_id"
            )
        if request.filter:
            raise invalid_filter("this list does not support filters")
        predicates = tuple(
            Predicate(name, Operation.IN, tuple(str(value) for value in values))
            for name, values in ids.items()
            if values
        )
        visible = caller.visible
        if request.namespace:
            require_role(caller, Role.VIEWER, request.namespace)
            visible = (request.namespace,)
        where = {"type": type}
        page = lists.artifact_tasks.page(
            replace(request, namespace=None, filter=filter_text(predicates), where=where)
        )
        async with database.read() as connection:
            found = await pages.artifact_tasks(connection, page, visible)
        rows = tuple(ArtifactTask.model_validate(dict(row)) for row in found.rows)
        return _json(
            ArtifactTaskPage(
                artifact_tasks=rows, next_page_token=found.next_page_token, total_size=found.total
            )
        )

    return router


def _in_one_namespace(caller: Access, request: PageRequest) -> PageRequest:
    """The request, limited to the one namespace that the caller may list."""
    return replace(request, namespace=listed_namespace(caller, request.namespace))


def _json(value: Contract) -> Response:
    return Response(value.to_json(), media_type="application/json")
