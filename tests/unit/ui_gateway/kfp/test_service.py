"""Health and authorization in KFP's API."""

from __future__ import annotations

import pytest
from headrace_contracts.access import Access, Role

from tests.unit.ui_gateway.kfp.fake_services import kfp_world


@pytest.mark.parametrize("path", ["/apis/v2beta1/healthz", "/apis/v1beta1/healthz"])
@pytest.mark.parametrize("multi_user", [True, False])
async def test_health_returns_whether_the_deployment_is_multi_user(
    path: str, multi_user: bool
) -> None:
    async with kfp_world(Access(), multi_user=multi_user) as world:
        answer = await world.client.get(path)
    assert answer.json() == {"multi_user": multi_user, "pipeline_store": "database"}


@pytest.mark.parametrize(
    ("role", "verb", "status"),
    [
        (Role.VIEWER, "GET", 200),
        (Role.VIEWER, "CREATE", 403),
        (Role.VIEWER, "DELETE", 403),
        (Role.EDITOR, "CREATE", 200),
        (Role.EDITOR, "3", 200),
        (Role.ADMIN, "2", 200),
    ],
)
async def test_authorization_depends_on_the_role(role: Role, verb: str, status: int) -> None:
    query = {"namespace": "team", "resources": "VIEWERS", "verb": verb}
    async with kfp_world(Access({"team": role}), multi_user=True) as world:
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == status
        query["namespace"] = "other"
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == 403
        query["namespace"] = ""
        answer = await world.client.get("/apis/v2beta1/auth", params=query)
        assert answer.status_code == 400
