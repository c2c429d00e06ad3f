"""Every list, sorted by every sortable field in both directions, in pages of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from headrace_api.experiments.lists import experiment_list
from headrace_api.pipelines.lists import pipeline_list, version_list
from headrace_api.recurring.lists import recurring_run_list
from headrace_runtime.lists.page import ListDefinition
from headrace_runtime.lists.tokens import TokenSigner

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

SIGNER = TokenSigner("secret")
SORTS = [
    pytest.param(path, listing, name, id=f"{listing.name} by {name}")
    for path, listing in (
        ("/experiments", experiment_list(SIGNER)),
        ("/pipelines", pipeline_list(SIGNER)),
        ("/pipelines/{pipeline}/versions", version_list(SIGNER)),
        ("/recurring-runs", recurring_run_list(SIGNER)),
    )
    for name, field in listing.fields.items()
    if field.sortable
]


async def fill(api: Api) -> str:
    """Create three objects of each kind; returns the id of a pipeline with three versions."""
    here = api.namespace
    for name in ("b", "a", "c"):
        body = {"namespace": here, "display_name": name, "description": name * 2}
        made = await api.ask("POST", "/experiments", body)
        await api.submit(experiment_id=made["experiment_id"])
        trigger = {"interval_seconds": 60}
        job = {**body, "trigger": trigger, "pipeline_spec": pipeline(), "experiment": "b"}
        await api.ask("POST", "/recurring-runs", job)
        query = f"name={name}&namespace={here}&description={name}"
        stored = await api.ask("POST", f"/pipelines?{query}", pipeline())
    path = f"/pipelines/{stored['pipeline_id']}"
    for name in ("v2", "v1"):
        await api.ask("POST", f"{path}/versions?name={name}", pipeline())
    return str(stored["pipeline_id"])


@pytest.mark.parametrize(("path", "listing", "name"), SORTS)
async def test_pages_of_every_order_are_complete(
    api: Api, path: str, listing: ListDefinition, name: str
) -> None:
    path = path.format(pipeline=await fill(api))
    orders: list[list[Any]] = []
    for direction in ("asc", "desc"):
        seen: list[dict[str, Any]] = []
        token = ""
        while len(seen) < 9:
            query = f"namespace={api.namespace}&sort_by={name}%20{direction}&page_size=1"
            page = await api.ask("GET", f"{path}?{query}&page_token={token}")
            (row,) = next(value for value in page.values() if isinstance(value, list))
            seen.append(row)
            assert page["total_size"] == 3
            token = page["next_page_token"]
            if token is None:
                break
        orders.append([row[listing.key] for row in seen])
        values = [row[name] for row in seen]
        assert values == sorted(values, reverse=direction == "desc")
    assert len(set(orders[0])) == 3
    assert orders[0] == orders[1][::-1]
