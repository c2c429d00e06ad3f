"""The gate in front of the app: authentication, access rights, and how requests are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace_contracts.access import Access, Role
from headrace_runtime.settings import SpaceSettings
from headrace_runtime.space import SpaceReserve
from headrace_ui_gateway.auth.caller import ACCESS, CALLER
from headrace_ui_gateway.auth.peer import SameUserCheck
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.kfp.http import gate_error
from headrace_ui_gateway.rest.session import session_router
from headrace_ui_gateway.settings import Settings
from headrace_ui_gateway.wiring import install_gate
from pydantic import ValidationError
from starlette.responses import StreamingResponse

CLIENT = ("127.0.0.1", 40000)
PAGE = {"Accept": "text/html"}
_CORE: dict[str, Any] = {
    "nats_url": "x", "http_port": 8080, "service_token": "x", "api_url": "x", "recorder_url": "x",
}  # fmt: skip


def client(
    monkeypatch: pytest.MonkeyPatch | None = None,
    *,
    address: tuple[str, int] = CLIENT,
    same_user: bool = True,
    **settings: Any,
) -> httpx.AsyncClient:
    """A client of an app behind the gate whose routes return the caller."""
    from fastapi import FastAPI

    if monkeypatch is not None:
        monkeypatch.setattr(SameUserCheck, "passes", lambda *_: same_user)
    app = FastAPI()
    refusals = Refusals({"/apis/": gate_error})
    authenticator = install_gate(app, Settings(**_CORE, **settings), None, refusals)
    app.include_router(
        session_router(authenticator, refusals, "single_user", SpaceReserve(SpaceSettings()))
    )

    @app.get("/")
    @app.get("/api/v1/who")
    @app.post("/api/v1/who")
    @app.get("/apis/v2beta1/who")
    async def who() -> dict[str, Any]:
        return {"key": CALLER.get().key, "roles": dict(ACCESS.get().roles)}

    @app.get("/api/v1/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield f"data: {CALLER.get().key}\n\n".encode()
                await asyncio.sleep(0)

        return StreamingResponse(parts(), media_type="text/event-stream")

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, client=address), base_url="http://localhost:8080"
    )


def tokens(tmp_path: Path, **more: Any) -> Path:
    entry = {"name": "ci", "sha256": sha256(b"ci-token").hexdigest(), "roles": {"a": "editor"}}
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"tokens": [{**entry, **more}]}))
    return path


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_sets_the_access_of_the_request(tmp_path: Path) -> None:
    async with client(tokens_file=tokens(tmp_path), owner_token="own") as http:
        found = await http.get("/api/v1/who", headers=bearer("ci-token"))
        assert found.json() == {"key": "machine:ci", "roles": {"a": "editor"}}
        found = await http.get("/api/v1/who", headers=bearer("own"))
        assert found.json() == {"key": "owner:owner", "roles": {"*": "admin"}}
        found = await http.get("/api/v1/me", headers={"authorization": "bearer ci-token"})
        assert found.json() == {
            "kind": "machine",
            "name": "ci",
            "roles": {"a": "editor"},
            "multi_user": False,
        }
        assert found.headers["x-content-type-options"] == "nosniff"
        stream = await http.get("/api/v1/stream", headers=bearer("ci-token"))
        assert stream.text == "data: machine:ci\n\n" * 3
    assert ACCESS.get() == Access()
    assert not ACCESS.get().may(Role.VIEWER, "a")


@pytest.mark.parametrize(
    ("header", "challenge", "says"),
    [
        ({}, 'Bearer realm="headrace"', "a bearer token is required"),
        ({"Authorization": "Basic eDp5"}, 'Bearer realm="headrace"', "a bearer token is required"),
        ({"Authorization": "Bearer "}, 'Bearer realm="headrace"', "a bearer token is required"),
        (bearer("x" * 40), 'error="invalid_token"', "the token is not valid"),
        (bearer("x" * 30_000), 'error="invalid_token"', "the token is not valid"),
        (bearer("a.b.c"), 'error="invalid_token"', "the token is not valid"),
    ],
)
async def test_a_401_has_the_format_of_the_api(
    header: dict[str, str], challenge: str, says: str
) -> None:
    async with client(owner_token="own") as http:
        ours = await http.get("/api/v1/who", headers=header)
        assert (ours.status_code, ours.json()["code"]) == (401, "UNAUTHENTICATED")
        assert ours.headers["content-type"] == "application/problem+json"
        assert challenge in ours.headers["www-authenticate"]
        assert says in ours.json()["detail"]
        theirs = await http.get("/apis/v2beta1/who", headers=header)
        assert (theirs.status_code, theirs.json()["code"]) == (401, 16)
        assert theirs.json()["details"][0]["code"] == 16
        assert challenge in theirs.headers["www-authenticate"]


async def test_a_path_with_control_characters_is_not_found() -> None:
    async with client() as http:
        ours, theirs = await http.get("/api/v1/x%0Ay"), await http.get("/apis/v2beta1/x%00")
    assert (ours.status_code, ours.json()["code"]) == (404, "NOT_FOUND")
    assert (theirs.status_code, theirs.json()["code"]) == (404, 5)


async def test_an_expired_token_has_its_own_error(tmp_path: Path) -> None:
    path = tokens(tmp_path, expires_at="2020-01-01T00:00:00Z")
    async with client(tokens_file=path) as http:
        found = await http.get("/api/v1/who", headers=bearer("ci-token"))
        assert "expired" in found.json()["detail"]
        assert 'error_description="the token has expired"' in found.headers["www-authenticate"]


async def test_a_removed_token_is_rejected_at_once(tmp_path: Path) -> None:
    path = tokens(tmp_path)
    async with client(tokens_file=path) as http:
        assert (await http.get("/api/v1/who", headers=bearer("ci-token"))).status_code == 200
        path.write_text('{"tokens": []}')
        assert (await http.get("/api/v1/who", headers=bearer("ci-token"))).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/healthz", "/livez", "/static/style.css"])
async def test_open_paths_require_no_authentication(path: str) -> None:
    async with client() as http:
        assert (await http.get(path)).status_code in (200, 404)  # as far as this app has it


@pytest.mark.parametrize(
    "path", ["/", "/runs/x", "/static", "/api/v1/openapi.json", "/livez/", "//livez", "/x"]
)
async def test_all_other_paths_require_authentication(path: str) -> None:
    async with client() as http:
        assert (await http.get(path)).status_code == 401


async def test_an_unauthenticated_page_request_gets_the_sign_in_form() -> None:
    async with client() as http:
        found = await http.get("/", headers=PAGE)
        assert (found.status_code, found.headers["content-type"]) == (
            401,
            "text/html; charset=utf-8",
        )
        assert "sign_in.js" in found.text
        assert found.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in found.headers["content-security-policy"]
        assert "html" not in (await http.get("/api/v1/who", headers=PAGE)).text


async def test_a_session_is_a_cookie_that_is_accepted_only_from_own_pages() -> None:
    async with client(owner_token="own") as http:
        refused = await http.post("/api/v1/session", json={"token": "wrong"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        made = await http.post("/api/v1/session", json={"token": "own"})
        assert made.status_code == 204
        cookie = made.headers["set-cookie"]
        assert cookie == "headrace_8080=own; HttpOnly; Path=/; SameSite=strict"
        assert (await http.get("/api/v1/who")).json()["key"] == "owner:owner"
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await http.post("/api/v1/who", headers=foreign)).status_code == 403
        assert (await http.delete("/api/v1/session", headers=foreign)).status_code == 403
        left = await http.delete("/api/v1/session")
        assert left.status_code == 204
        assert (await http.get("/api/v1/who")).status_code == 401


async def test_sign_in_from_another_site_is_refused() -> None:
    async with client(owner_token="own") as http:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            made = await http.post("/api/v1/session", json={"token": "own"}, headers=headers)
            assert made.status_code == 403
        form = await http.post("/api/v1/session", data={"token": "own"})
        assert form.status_code == 415
        assert "set-cookie" not in form.headers


async def test_a_sign_in_of_unlimited_size_is_not_read() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'{"token": "'
        for _ in range(10_000):
            read += 1
            yield b"x" * 1024

    async with client(owner_token="own") as http:
        headers = {"Content-Type": "application/json"}
        made = await http.post("/api/v1/session", content=endless(), headers=headers)
        assert (made.status_code, made.json()["detail"]) == (413, "the body is larger than 64 KiB")
    assert read < 1000


async def test_behind_tls_the_cookie_is_secure() -> None:
    proxied = {"X-Forwarded-Proto": "https"}
    body = {"token": "own"}
    async with client(owner_token="own", proxy_addresses="127.0.0.1") as http:
        made = await http.post("/api/v1/session", json=body, headers=proxied)
        assert "; Secure" in made.headers["set-cookie"]
    async with client(owner_token="own") as http:
        made = await http.post("/api/v1/session", json=body, headers=proxied)
        assert "Secure" not in made.headers["set-cookie"], "only a proxy of ours is believed"


async def test_a_program_of_the_same_user_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(monkeypatch, trust_same_user=True) as http:
        assert (await http.get("/api/v1/who")).json()["key"] == "owner:owner"
        wrong = await http.get("/api/v1/who", headers=bearer("wrong"))
        assert wrong.status_code == 401, "who shows a token is known by it"
        stale = await http.get("/api/v1/who", headers={"Cookie": "headrace_8080=old"})
        assert stale.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8080"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "headrace.internal"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "http://localhost:8080"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"X-Forwarded-For": "10.0.0.9"}, 401),
        ({"Forwarded": "for=10.0.0.9"}, 401),
        ({"Via": "1.1 proxy"}, 401),
    ],
)
async def test_cross_site_requests_of_a_browser_are_refused(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    hosts = "headrace.internal, other.internal"
    async with client(monkeypatch, trust_same_user=True, public_hosts=hosts) as http:
        for path in ("/api/v1/who", "/apis/v2beta1/who"):
            found = await http.get(path, headers=headers)
            assert found.status_code == status, found.text
        if status == 403:
            assert found.json()["code"] == 7


async def test_a_link_from_another_site_to_a_page_may_be_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    async with client(monkeypatch, trust_same_user=True) as http:
        assert (await http.get("/", headers=link)).status_code == 200
        assert (await http.get("/api/v1/who", headers=link)).status_code == 403


@pytest.mark.parametrize(
    ("address", "same_user"),
    [(("10.0.0.7", 40000), True), (CLIENT, False), (("127.0.0.1", 0), False), (("", 0), True)],
)
async def test_other_machines_and_other_users_need_a_token(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], same_user: bool
) -> None:
    async with client(
        monkeypatch, address=address, same_user=same_user, trust_same_user=True
    ) as http:
        assert (await http.get("/api/v1/who")).status_code == 401


async def test_the_user_header_is_accepted_only_from_trusted_proxies(tmp_path: Path) -> None:
    roles = tmp_path / "roles.toml"
    roles.write_text('[[subjects]]\nuser = "alice"\nroles = { a = "viewer" }\n')
    settings = {
        "userid_header": "kubeflow-userid",
        "userid_prefix": "accounts:",
        "proxy_addresses": "10.0.0.0/24",
        "roles_file": roles,
    }
    user = {"kubeflow-userid": "accounts:alice"}
    async with client(address=("10.0.0.7", 1), **settings) as http:
        assert (await http.get("/api/v1/who", headers=user)).json() == {
            "key": "user:alice",
            "roles": {"a": "viewer"},
        }
        assert (await http.get("/api/v1/who")).status_code == 401
        foreign = {**user, "Origin": "https://evil.example"}
        assert (await http.get("/api/v1/who", headers=foreign)).status_code == 403
    async with client(address=("10.0.1.7", 1), **settings) as http:
        assert (await http.get("/api/v1/who", headers=user)).status_code == 401


async def test_a_rate_limited_caller_is_told_when_to_retry(tmp_path: Path) -> None:
    settings = {"requests_per_second": 0.1, "request_burst": 2, "owner_token": "own"}
    async with client(tokens_file=tokens(tmp_path), **settings) as http:
        for _ in range(2):
            assert (await http.get("/api/v1/who", headers=bearer("ci-token"))).status_code == 200
        ours = await http.get("/api/v1/who", headers=bearer("ci-token"))
        assert (ours.status_code, ours.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert 1 <= int(ours.headers["retry-after"]) <= 10
        theirs = await http.get("/apis/v2beta1/who", headers=bearer("ci-token"))
        assert (theirs.status_code, theirs.json()["code"]) == (429, 8)
        assert (await http.get("/api/v1/who", headers=bearer("own"))).status_code == 200
        assert (await http.get("/livez", headers=bearer("ci-token"))).status_code == 404


async def test_unauthenticated_callers_are_limited_by_address() -> None:
    settings = {"stranger_requests_per_second": 0.1, "stranger_request_burst": 3}
    async with client(owner_token="own", **settings) as http:
        answers = [(await http.get("/api/v1/who", headers=bearer("x"))).status_code for _ in "1234"]
        assert answers == [401, 401, 401, 429]
        assert (await http.get("/api/v1/healthz")).status_code == 429
        assert (await http.get("/api/v1/healthz", headers=bearer("own"))).status_code == 200
        assert (await http.get("/api/v1/who", headers=bearer("own"))).status_code == 200


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"oidc_issuer": "https://i.example"}, "oidc_audience"),
        ({"oidc_issuer": "http://i.example", "oidc_audience": "x"}, "https"),
        ({"oidc_jwks_url": "http://i.example"}, "https"),
        ({"oidc_algorithms": "HS256"}, "HS256 is not one of"),
        ({"oidc_algorithms": "RS256,none"}, "none is not one of"),
        ({"userid_header": "kubeflow-userid"}, "proxy_addresses"),
        ({"proxy_addresses": "10.0.0.1/8"}, "host bits"),
        ({"mode": "multi_user", "trust_same_user": True}, "single_user"),
    ],
)
def test_insecure_settings_are_rejected(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Settings(**_CORE, **settings)
