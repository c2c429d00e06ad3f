"""Routes of runs: submission, and operations on accepted runs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response
from headrace_contracts.access import Role
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import RunSubmitted
from headrace_contracts.resources import SubmittedRun
from headrace_runtime.access import Caller, require_role

from headrace_api.http.idempotency import IdempotencyKey
from headrace_api.http.parameters import StorableText
from headrace_api.runs.service import Runs
from headrace_api.runs.submissions import Submissions


def run_router(runs: Runs, submissions: Submissions) -> APIRouter:
    """The routes below ``/runs``."""
    router = APIRouter(prefix="/runs")

    @router.post("", status_code=201)
    async def submit(
        caller: Caller,
        request: SubmitRun,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> SubmittedRun:
        require_role(caller, Role.EDITOR, request.namespace)
        if idempotency_key is not None:
            request = request.model_copy(update={"idempotency_key": idempotency_key})
        accepted = await submissions.submit(request)
        response.status_code = 200 if accepted.duplicate else 201
        return _resource(accepted.submission, duplicate=accepted.duplicate)

    @router.get("/{run_id}")
    async def get_run(caller: Caller, run_id: UUID) -> SubmittedRun:
        run = await runs.get(caller, run_id)
        return _resource(run.submission, archived=run.archived)

    @router.get("/{run_id}/document")
    async def get_document(caller: Caller, run_id: UUID) -> Response:
        return Response(await runs.document(caller, run_id), media_type="application/json")

    @router.post("/{run_id}/cancel", status_code=202)
    async def cancel(
        caller: Caller,
        run_id: UUID,
        reason: Annotated[StorableText, Body()] = "",
        force: Annotated[bool, Body()] = False,
    ) -> dict[str, Any]:
        await runs.cancel(caller, run_id, reason, force=force)
        return {}

    @router.delete("/{run_id}")
    async def delete(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.delete(caller, run_id)
        return {}

    @router.post("/{run_id}/pause", status_code=202)
    async def pause(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.pause(caller, run_id)
        return {}

    @router.post("/{run_id}/resume", status_code=202)
    async def resume(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.resume(caller, run_id)
        return {}

    @router.post("/{run_id}/retry", status_code=202)
    async def retry(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.retry(caller, run_id)
        return {}

    @router.post("/{run_id}/archive", status_code=202)
    async def archive(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.archive(caller, run_id)
        return {}

    @router.post("/{run_id}/unarchive", status_code=202)
    async def unarchive(caller: Caller, run_id: UUID) -> dict[str, Any]:
        await runs.unarchive(caller, run_id)
        return {}

    return router


def _resource(
    submission: RunSubmitted, *, duplicate: bool = False, archived: bool = False
) -> SubmittedRun:
    fields = submission.model_dump(include=set(SubmittedRun.model_fields))
    return SubmittedRun(**fields, duplicate=duplicate, archived=archived)
