"""Routes of experiments."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response
from headrace_contracts.access import NAMESPACE
from headrace_contracts.resources import Experiment, ExperimentPage
from headrace_runtime.access import Caller
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.experiments.lists import experiment_list
from headrace_api.experiments.service import LONGEST_NAME, Experiments
from headrace_api.http.idempotency import IdempotencyKey, IdempotentRequest, creation_response
from headrace_api.http.parameters import (
    DEFAULT_NAMESPACE,
    NamespacePageParameters,
    OptionalText,
    StorableText,
)

Namespace = Annotated[str, Body(pattern=NAMESPACE)]


def experiment_router(experiments: Experiments, signer: TokenSigner) -> APIRouter:
    """The routes below ``/experiments``."""
    router = APIRouter(prefix="/experiments")
    list_definition = experiment_list(signer)

    @router.get("")
    async def list_experiments(
        request: NamespacePageParameters, name: OptionalText = None
    ) -> ExperimentPage:
        page = list_definition.page(replace(request, where={"display_name": name}))
        return await experiments.page(page)

    @router.post("", status_code=201)
    async def create(
        caller: Caller,
        response: Response,
        display_name: Annotated[StorableText, Body(min_length=1, max_length=LONGEST_NAME)],
        namespace: Namespace = DEFAULT_NAMESPACE,
        description: Annotated[StorableText, Body()] = "",
        idempotency_key: IdempotencyKey = None,
    ) -> Experiment:
        request = IdempotentRequest.of(idempotency_key, namespace, display_name, description)
        created = await experiments.create(caller, namespace, display_name, description, request)
        return creation_response(response, created)

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
