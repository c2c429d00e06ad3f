"""The route of a run's event history."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from headrace_runtime.access import Caller
from headrace_runtime.pg.database import Database

from headrace_recorder.history.store import history_of_run
from headrace_recorder.runs.access import visible_run


def history_router(database: Database) -> APIRouter:
    """The route of events."""
    router = APIRouter()

    @router.get("/runs/{run_id}/events")
    async def get_events(
        caller: Caller,
        run_id: UUID,
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> dict[str, Any]:
        async with database.read() as connection:
            await visible_run(connection, caller, run_id)
            rows = await history_of_run(connection, run_id, after, limit)
        return {"events": [{**row, "time": row.pop("at")} for row in rows]}

    return router
