"""Operations on experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.operations.common import id_segment, is_id, new_key, pages
from headrace.client.resources import Experiment
from headrace.client.transport.base import BaseClient
from headrace.client.transport.requests import Request, Steps, path_segment, without_none


def create_experiment(
    client: BaseClient,
    name: str,
    description: str | None = None,
    *,
    idempotency_key: str | None = None,
) -> Steps[Experiment]:
    """Create an experiment. Its name is unique in the namespace."""
    body = without_none(display_name=name, description=description, namespace=client.namespace)
    request = Request("POST", "/experiments", body=body, key=new_key(idempotency_key))
    return Experiment((yield request).json())


def experiments(
    client: BaseClient,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    archived: bool | None = None,
) -> Steps[list[Experiment]]:
    """List the newest experiments. `count` None lists all."""
    text = None if archived is None else str(archived).lower()
    found = yield from pages(
        "/experiments", "experiments", count, client.namespace, filter, sort_by, archived=text
    )
    return [Experiment(one) for one in found]


def experiment(client: BaseClient, experiment: Experiment | str) -> Steps[Experiment]:
    """Get an experiment by its name or id.

    Raises:
        ClientError: there is no such experiment (NOT_FOUND).
    """
    if isinstance(experiment, Experiment) or is_id(experiment):
        path = f"/experiments/{id_segment(experiment, 'experiment_id')}"
        return Experiment((yield Request("GET", path)).json())
    found = yield from pages(
        "/experiments", "experiments", 1, client.namespace, _by_name(experiment), None
    )
    if not found:
        raise ClientError("NOT_FOUND", f"there is no experiment {experiment!r}", status=404)
    return Experiment(found[0])


def operate_experiment(
    client: BaseClient, name_or_id: Experiment | str, operation: str
) -> Steps[None]:
    """``archive`` an experiment with its runs, which also disables its recurring runs; or
    ``unarchive`` the experiment only, while its runs stay archived."""
    found = yield from experiment(client, name_or_id)
    yield Request(
        "POST", f"/experiments/{path_segment(found.experiment_id)}/{path_segment(operation)}"
    )


def delete_experiment(client: BaseClient, name_or_id: Experiment | str) -> Steps[None]:
    """Delete an experiment. Its runs stay."""
    found = yield from experiment(client, name_or_id)
    yield Request("DELETE", f"/experiments/{path_segment(found.experiment_id)}")


def _by_name(name: str) -> dict[str, Any]:
    predicate = {"key": "display_name", "operation": "EQUALS", "string_value": name}
    return {"predicates": [predicate]}
