"""Routes of experiments."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response
from headrace_contracts.access import NAMESPACE
from headrace_contracts.resources import Experiment, ExperimentPage
from headrace_runtime.access import Caller
from headrace_runtime.lists.page import Listing
from headrace_runtime.pg.database import Database

from headrace_api import experiment_store
from headrace_api.answers import DEFAULT_NAMESPACE, AskedPage, OptionalText, Text
from headrace_api.experiments import Experiments
from headrace_api.once import IdempotencyKey, RequestKey, tell_repeat

Namespace = Annotated[str, Body(pattern=NAMESPACE)]


def experiment_router(database: Database, experiments: Experiments, listing: Listing) -> APIRouter:
    """The routes over the api's parts."""
    router = APIRouter(prefix="/experiments")

    @router.get("")
    async def list_experiments(asked: AskedPage, name: OptionalText = None) -> ExperimentPage:
        page = listing.page(replace(asked, where={"display_name": name}))
        async with database.read() as connection:
            return await experiment_store.page(connection, page)

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        response: Response,
        display_name: Annotated[Text, Body(min_length=1, max_length=128)],
        namespace: Namespace = DEFAULT_NAMESPACE,
        description: Annotated[Text, Body()] = "",
        idempotency_key: IdempotencyKey = None,
    ) -> Experiment:
        key = RequestKey.of(idempotency_key, namespace, display_name, description)
        made = await experiments.create(caller, namespace, display_name, description, key)
        tell_repeat(response, key)
        return made

    @router.get("/{experiment_id}")
    async def get(caller: Caller, experiment_id: UUID) -> Experiment:
        return await experiments.get(caller, experiment_id)

    @router.post("/{experiment_id}/archive")
    async def archive(caller: Caller, experiment_id: UUID) -> Experiment:
        return await experiments.archive(caller, experiment_id)

    @router.post("/{experiment_id}/unarchive")
    async def unarchive(caller: Caller, experiment_id: UUID) -> Experiment:
        return await experiments.unarchive(caller, experiment_id)

    @router.delete("/{experiment_id}")
    async def delete(caller: Caller, experiment_id: UUID) -> dict[str, Any]:
        await experiments.delete(caller, experiment_id)
        return {}

    return router
