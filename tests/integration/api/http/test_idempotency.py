"""Idempotent creation: repeated, different, concurrent and outdated requests with one key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from tests.integration.api.conftest import Api


async def create(api: Api, key: str, **fields: Any) -> httpx.Response:
    body = {"namespace": api.namespace, "display_name": "e", **fields}
    return await api.http.post("/experiments", json=body, headers={"Idempotency-Key": key})


async def test_a_repeated_request_returns_the_first_resource(api: Api) -> None:
    first, second = await create(api, "k"), await create(api, "k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


async def test_another_request_with_the_same_key_is_a_conflict(api: Api) -> None:
    await create(api, "k")
    refused = await create(api, "k", description="another")
    assert (refused.status_code, refused.json()["field"]) == (409, "Idempotency-Key")
    assert "was used for another request" in refused.json()["detail"]


async def test_a_key_is_unique_within_a_namespace(api: Api) -> None:
    await create(api, "k")
    other = await create(api, "k", namespace=f"{api.namespace}-2")
    assert other.status_code == 201


async def test_concurrent_requests_create_one_resource(api: Api) -> None:
    answers = await asyncio.gather(*(create(api, "k") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["experiment_id"] for answer in answers}) == 1


async def test_the_key_of_a_deleted_resource_is_a_conflict(api: Api) -> None:
    created = (await create(api, "k")).json()
    await api.ask("DELETE", f"/experiments/{created['experiment_id']}")
    refused = await create(api, "k")
    assert (refused.status_code, refused.json()["field"]) == (409, "Idempotency-Key")
    assert "was deleted" in refused.json()["detail"]


async def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    first = (await create(api, "1")).json()
    assert (await create(api, "2")).status_code == 409
    await api.ask("DELETE", f"/experiments/{first['experiment_id']}")
    assert (await create(api, "2")).status_code == 201
