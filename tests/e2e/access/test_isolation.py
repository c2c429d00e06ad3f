"""Users of one namespace can neither see nor change objects of another, on any route of the
gateway.

The deployment has several users. Namespace ``team-b`` has an object of each kind, with the text
``secret-b`` in it. Users of ``team-a`` request each of them on every route.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from headrace_ui_gateway.app import http_app
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.upstream.services import Services

from tests.e2e.access.world import SECRET, World, furnish
from tests.support.deployment import Deployment
from tests.support.issuer import AUDIENCE, serving
from tests.support.routes import ROWS, SPEC, Row, Takes, routes_of

pytestmark = pytest.mark.e2e
UNKNOWN = "01900000-0000-7000-8000-000000000000"
_TOKENS = {
    "a-admin": {"team-a": "admin"},
    "b-viewer": {"team-b": "viewer"},
    "b-editor": {"team-b": "editor"},
    "nothing": {"team-c": "viewer"},
}
_HIDDEN = (403, 404)


def _routes() -> set[str]:
    settings = Settings(
        nats_url="x", postgres_dsn="x", http_port=1, service_token="x", objects_endpoint="x",
        objects_access_key="x", objects_secret_key="x", api_url="x", recorder_url="x",
    )  # fmt: skip
    none: Any = None
    return set(routes_of(http_app(Services(none, none, none), settings).routes))


ROUTES = _routes()


def rows(*takes: Takes) -> Any:
    """Parametrizes a test with each route that requires one of these."""
    return pytest.mark.parametrize("row", [r for r in ROWS if r.takes in takes], ids=str)


def test_every_route_is_in_the_table() -> None:
    assert sorted(ROUTES ^ {row.key for row in ROWS}) == []
    assert len({row.key for row in ROWS}) == len(ROWS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployment with several users, and two objects of each kind in ``team-b``."""
    folder = tmp_path_factory.mktemp("access")
    tokens = [
        {"name": name, "sha256": sha256(name.encode()).hexdigest(), "roles": roles}
        for name, roles in _TOKENS.items()
    ]
    tokens_file = folder / "tokens.json"
    tokens_file.write_text(json.dumps({"tokens": tokens}))
    (folder / "roles.toml").write_text(
        '[[subjects]]\ngroup = "team-b"\nroles = { team-b = "viewer" }\n'
        '[[subjects]]\nuser = "alice"\nroles = { team-a = "editor" }\n'
    )
    with serving() as issuer:
        prefix = "HEADRACE_UI_GATEWAY_"
        deployment = Deployment(
            {
                f"{prefix}MODE": "multi_user",
                f"{prefix}TOKENS_FILE": str(tokens_file),
                f"{prefix}ROLES_FILE": str(folder / "roles.toml"),
                f"{prefix}OIDC_ISSUER": issuer.url,
                f"{prefix}OIDC_AUDIENCE": AUDIENCE,
                f"{prefix}STRANGER_REQUEST_BURST": "1000",
            }
        )
        try:
            deployment.up()
            made = World(deployment.url, deployment, issuer, tokens_file)
            furnish(made)
            yield made
        finally:
            deployment.remove()


@rows(*Takes)
def test_a_request_without_a_credential_is_unauthorized(world: World, row: Row) -> None:
    status, body = world.row(None, row)
    if row.takes is not Takes.NOTHING:
        assert status == 401, body
        assert SECRET not in body
        return
    is_login = row.path.endswith("/session") and row.method == "POST"  # with an invalid token
    assert status == 401 if is_login else status < 300, body


@rows(Takes.VIEWER, Takes.LIST, Takes.EDITOR, Takes.ADMIN)
@pytest.mark.parametrize("who", ["a-admin", "nothing"])
def test_a_user_of_another_namespace_sees_and_changes_nothing(
    world: World, row: Row, who: str
) -> None:
    status, body = world.row(who, row)
    assert status in _HIDDEN, body
    assert _without_what_was_sent(body, row) == body


def _without_what_was_sent(body: str, row: Row) -> str:
    """A response must not have anything of another namespace, except for names in its request."""
    return body if row.path.endswith("{name}") else body.replace(SECRET, "")


@rows(Takes.EDITOR, Takes.ADMIN)
def test_a_viewer_changes_nothing(world: World, row: Row) -> None:
    status, body = world.row("b-viewer", row)
    assert status == 403, body


@rows(Takes.ADMIN)
def test_an_editor_sets_no_limits(world: World, row: Row) -> None:
    status, body = world.row("b-editor", row)
    assert status == 403, body


@rows(Takes.LIMITED)
def test_a_list_has_nothing_of_another_namespace(world: World, row: Row) -> None:
    seen, there = world.row("b-viewer", row)
    hidden, nothing = world.row("a-admin", row)
    assert (seen, hidden) == (200, 200)
    assert world.ids["run"] in there
    assert world.ids["run"] not in nothing
    assert SECRET not in nothing


@rows(Takes.VIEWER, Takes.LIST)
def test_a_viewer_sees_every_object(world: World, row: Row) -> None:
    """Without this, the other tests would pass with objects that do not exist."""
    status, body = world.row("b-viewer", row)
    assert status < 400, body


@rows(Takes.CREDENTIAL)
def test_a_route_for_any_user_returns_nothing_of_another_namespace(world: World, row: Row) -> None:
    status, body = world.row("a-admin", row)
    assert status not in (401, 500), body
    assert SECRET not in body


@rows(Takes.LIST)
def test_a_list_without_a_namespace_has_the_callers_namespaces_only(world: World, row: Row) -> None:
    status, body, _ = world.ask("a-admin", row.method, row.path)
    assert status in (200, 400), body
    assert SECRET not in body
    assert world.ids["run"] not in body


@rows(Takes.LIST)
@pytest.mark.parametrize(
    "query",
    [
        {"filter": "namespace"},
        {"filter": "ids"},
        {"sort_by": "namespace"},
        {"sort_by": "created_at); SELECT 1; --"},
        {"experiment_id": "{experiment}"},
        {"run_id": "{run}"},
        {"recurring_run_id": "{recurring}"},
        {"namespace": "team-a,team-b"},
        {"namespace": "*"},
        {"namespace": "team-a' OR '1'='1"},
        {"namespace": "%"},
        {"page_token": "eyJvIjoxfQ.forged"},
    ],
    ids=str,
)
def test_no_list_parameter_reaches_another_namespace(
    world: World, row: Row, query: dict[str, str]
) -> None:
    predicates = {
        "namespace": [("EQUALS", "namespace", "team-b")],
        "ids": [("IS_SUBSTRING", "display_name", "' OR namespace = 'team-b' --")],
    }
    asked = {"namespace": "team-a", **{k: world.fill(v) for k, v in query.items()}}
    if asked.get("filter") in predicates:
        asked["filter"] = json.dumps(
            {
                "predicates": [
                    {"operation": operation, "key": key, "string_value": value}
                    for operation, key, value in predicates[asked["filter"]]
                ]
            }
        )
    status, body, _ = world.ask("a-admin", row.method, row.path, params=asked)
    assert status in (200, 400, 403, 404), body
    assert SECRET not in body


@rows(Takes.LIST)
def test_a_page_token_of_another_namespace_is_rejected(world: World, row: Row) -> None:
    status, body, _ = world.ask(
        "b-viewer", row.method, row.path, params={"namespace": "team-b", "page_size": 1}
    )
    assert status == 200, body
    token = json.loads(body).get("next_page_token")
    assert token, "a list without a second page proves nothing"
    for namespace in ("team-a", "team-b"):
        asked = {"namespace": namespace, "page_size": 1, "page_token": token}
        status, body, _ = world.ask("a-admin", row.method, row.path, params=asked)
        assert status in (400, 403, 404), body
        assert SECRET not in body


_RUN = {"pipeline_spec": SPEC, "namespace": "team-a"}
_MIXED: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/runs", {**_RUN, "experiment_id": "{experiment}"}),
    ("/api/v1/runs", {"namespace": "team-a", "pipeline": {"pipeline_id": "{pipeline}"}}),
    ("/api/v1/runs", {"namespace": "team-a", "pipeline": {"name": SECRET}}),
    (
        "/api/v1/runs",
        {"namespace": "team-a", "pipeline": {"pipeline_version_id": "{version}"}},
    ),
    ("/api/v1/runs", {"namespace": "team-a", "rerun": {"run_id": "{run}", "tasks": ["make"]}}),
    (
        "/apis/v2beta1/runs",
        {
            "display_name": "x",
            "pipeline_version_reference": {
                "pipeline_id": "{pipeline}",
                "pipeline_version_id": "{version}",
            },
        },
    ),
    (
        "/api/v1/recurring-runs",
        {
            "namespace": "team-a",
            "display_name": "x",
            "trigger": {"interval_seconds": 3600},
            "pipeline": {"pipeline_id": "{pipeline}"},
        },
    ),
]


@pytest.mark.parametrize(("path", "body"), _MIXED, ids=[f"{i}" for i in range(len(_MIXED))])
def test_a_request_cannot_refer_to_objects_of_another_namespace(
    world: World, path: str, body: dict[str, Any]
) -> None:
    filled = json.loads(world.fill(json.dumps(body)))
    status, answer, _ = world.ask("a-admin", "POST", path, json=filled)
    assert status in (400, *_HIDDEN), answer
    assert "echo secret-b" not in answer


@pytest.mark.parametrize(
    "name", ["..", "../model", "..%2F..%2Fmodel", "%2e%2e", "model%00", "s3:%2F%2Fheadrace%2Fruns"]
)
def test_no_path_escapes_an_artifact(world: World, name: str) -> None:
    path = world.fill(f"/api/v1/runs/{{run}}/tasks/{{task}}/artifacts/{name}")
    for who in ("a-admin", "b-viewer"):
        status, body, _ = world.ask(who, "GET", path)
        assert status in (400, *_HIDDEN), body


def test_a_task_is_not_found_under_another_run(world: World) -> None:
    path = world.fill(f"/api/v1/runs/{UNKNOWN}/tasks/{{task}}/log")
    assert world.ask("b-viewer", "GET", path)[0] == 404


def test_a_hidden_object_looks_like_one_that_does_not_exist(world: World) -> None:
    for path in ("/api/v1/runs/{}", "/api/v1/pipelines/{}", "/apis/v2beta1/experiments/{}"):
        kind = path.split("/")[-2].rstrip("s")
        there = world.ask("a-admin", "GET", path.format(world.ids[kind]))
        missing = world.ask("a-admin", "GET", path.format(UNKNOWN))
        assert there[0] == missing[0] == 404
        assert there[1].replace(world.ids[kind], UNKNOWN) == missing[1]


def test_me_returns_the_identity_of_the_caller(world: World) -> None:
    status, body, _ = world.ask("b-viewer", "GET", "/api/v1/me")
    assert status == 200
    assert json.loads(body) == {
        "kind": "machine",
        "name": "b-viewer",
        "roles": {"team-b": "viewer"},
        "multi_user": True,
    }
    assert '"multi_user":true' in world.ask(None, "GET", "/apis/v2beta1/healthz")[1].replace(
        " ", ""
    )


def test_a_user_of_an_identity_provider_has_the_roles_of_their_groups(world: World) -> None:
    token = world.issuer.token("alice", ["team-b", "unheard-of"])
    status, body, _ = world.ask(None, "GET", "/api/v1/me", token=token)
    assert status == 200, body
    assert json.loads(body)["roles"] == {"team-a": "editor", "team-b": "viewer"}
    stranger = world.issuer.token("mallory")
    assert json.loads(world.ask(None, "GET", "/api/v1/me", token=stranger)[1])["roles"] == {}


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": 1}, "the token has expired"),
        ({"aud": "another"}, "the token is for another audience"),
        ({"iss": "https://other.example"}, "the token is not valid"),
    ],
)
def test_an_invalid_token_of_an_identity_provider_is_rejected(
    world: World, claims: dict[str, Any], says: str
) -> None:
    token = world.issuer.token("alice", **claims)
    for path in ("/api/v1/me", "/apis/v2beta1/runs"):
        status, body, headers = world.ask(None, "GET", path, token=token)
        assert status == 401
        assert says in body
        assert says in headers["www-authenticate"]


def test_the_owners_token_is_valid_in_multi_user_mode(world: World) -> None:
    token = world.deployment.json("token")["token"]
    assert json.loads(world.ask(None, "GET", "/api/v1/me", token=token)[1])["kind"] == "owner"
    assert "runs" in world.deployment.json("run", "list")
