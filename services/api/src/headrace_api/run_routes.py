"""Routes of runs: their way in, and what can be done with them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Response
from headrace_contracts.access import Role
from headrace_contracts.commands import SubmitRun
from headrace_contracts.resources import SubmittedRun
from headrace_runtime.access import Caller, require
from headrace_runtime.objects import ObjectStore
from headrace_runtime.pg.database import Database

from headrace_api import store
from headrace_api.answers import Text, found
from headrace_api.operations import Operations
from headrace_api.store import KnownRun
from headrace_api.submissions import Accepted, Submissions


def run_router(database: Database, objects: ObjectStore, submissions: Submissions) -> APIRouter:
    """The routes over the api's parts."""
    router = APIRouter(prefix="/runs")
    operations = Operations(database)

    @router.post("", status_code=201)
    async def submit(
        caller: Caller,
        request: SubmitRun,
        response: Response,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> SubmittedRun:
        require(caller, Role.EDITOR, request.namespace)
        if idempotency_key is not None:
            request = request.model_copy(update={"idempotency_key": idempotency_key})
        accepted = await submissions.submit(request)
        response.status_code = 200 if accepted.duplicate else 201
        return _submitted(accepted)

    @router.get("/{run_id}")
    async def get_run(caller: Caller, run_id: UUID) -> SubmittedRun:
        run = await _run(caller, run_id)
        submitted = _submitted(Accepted(run.submission, False))
        return submitted.model_copy(update={"archived": run.archived})

    @router.get("/{run_id}/document")
    async def get_document(caller: Caller, run_id: UUID) -> Response:
        run = await _run(caller, run_id)
        return Response(await objects.get(run.submission.spec.key), media_type="application/json")

    @router.post("/{run_id}/cancel", status_code=202)
    async def cancel(
        caller: Caller,
        run_id: UUID,
        reason: Annotated[Text, Body()] = "",
        force: Annotated[bool, Body()] = False,
    ) -> dict[str, Any]:
        await operations.cancel(caller, run_id, reason, force=force)
        return {}

    @router.delete("/{run_id}")
    async def delete(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.delete(caller, run_id)
        return {}

    @router.post("/{run_id}/pause", status_code=202)
    async def pause(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.pause(caller, run_id)
        return {}

    @router.post("/{run_id}/resume", status_code=202)
    async def resume(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.resume(caller, run_id)
        return {}

    @router.post("/{run_id}/retry", status_code=202)
    async def retry(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.retry(caller, run_id)
        return {}

    @router.post("/{run_id}/archive", status_code=202)
    async def archive(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.archive(caller, run_id)
        return {}

    @router.post("/{run_id}/unarchive", status_code=202)
    async def unarchive(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await operations.unarchive(caller, run_id)
        return {}

    async def _run(caller: Caller, run_id: UUID) -> KnownRun:
        async with database.read() as connection:
            known = await store.run_by_id(connection, run_id, caller.visible)
        return found(known, f"there is no run {run_id}")

    return router


def _submitted(accepted: Accepted) -> SubmittedRun:
    fields = accepted.submission.model_dump(include=set(SubmittedRun.model_fields))
    return SubmittedRun(**fields, duplicate=accepted.duplicate)
