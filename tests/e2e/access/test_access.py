"""A single-user deployment: programs of the same OS user need no credential, others need a
token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.deployment import ROOT, Deployment

pytestmark = pytest.mark.e2e
KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
NOBODY = 65534
ASK = """
import encodings.idna, http.client, json, os, sys
os.setuid(int(sys.argv[1]))
connection = http.client.HTTPConnection(sys.argv[2])
headers = {"Authorization": "Bearer " + sys.argv[3]} if len(sys.argv) > 3 else {}
connection.request("GET", "/api/v1/me", headers=headers)
print(connection.getresponse().status)
"""
KFP = """
import sys, kfp, kfp_server_api
client = kfp.Client(host=sys.argv[1], existing_token=sys.argv[2] or None, namespace="default")
try:
    client.list_runs(page_size=1)
    print("known")
except kfp_server_api.ApiException as error:
    print(error.status, error.body)
"""


@pytest.fixture
def token(deployment: Deployment) -> str:
    return str(deployment.json("token")["token"])


def ask(deployment: Deployment, user: int, *token: str) -> str:
    place = deployment.url.removeprefix("http://")
    done = subprocess.run(
        [sys.executable, "-I", "-c", ASK, str(user), place, *token],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.strip()


def test_a_program_of_the_same_user_is_the_owner(deployment: Deployment) -> None:
    assert ask(deployment, os.geteuid()) == "200"
    localhost = deployment.url.replace("127.0.0.1", "localhost")
    for url in (deployment.url, localhost):
        assert httpx.get(f"{url}/api/v1/me", timeout=300, trust_env=False).json()["kind"] == "owner"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a process of another user")
def test_a_program_of_another_user_needs_a_token(deployment: Deployment, token: str) -> None:
    assert ask(deployment, NOBODY) == "401"
    assert ask(deployment, NOBODY, token) == "200"
    assert ask(deployment, NOBODY, "wrong") == "401"


def test_connections_of_different_users_are_told_apart(deployment: Deployment) -> None:
    """Each connection is authenticated by itself, whether connections are reused or closed."""
    with httpx.Client(base_url=deployment.url, timeout=300, trust_env=False) as connection:
        for _ in range(5):
            assert connection.get("/api/v1/me").status_code == 200
            if os.geteuid() == 0:
                assert ask(deployment, NOBODY) == "401"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_cross_site_request_of_a_browser_is_rejected(
    deployment: Deployment, headers: dict[str, str]
) -> None:
    for path in ("/api/v1/runs", "/apis/v2beta1/runs", "/"):
        found = httpx.get(deployment.url + path, headers=headers, timeout=300, trust_env=False)
        assert found.status_code == 403
    body = {"pipeline": {"name": "x"}}
    found = httpx.post(
        f"{deployment.url}/api/v1/runs", json=body, headers=headers, timeout=300, trust_env=False
    )
    assert found.status_code == 403


def test_the_kfp_client_sends_a_token(deployment: Deployment, token: str) -> None:
    for given, expected in (("", "known"), (token, "known"), ("wrong", '401 {"code": 16')):
        done = subprocess.run(
            [str(KFP_PYTHON), "-W", "ignore", "-c", KFP, deployment.url, given],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout.replace('{"code":16', '{"code": 16').startswith(expected), done


def test_the_command_line_sends_a_token(
    deployment: Deployment, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads((deployment.data / "connection.json").read_text())["token"] == token
    assert "runs" in deployment.json("run", "list", "--token", token)
    error = deployment.json("run", "list", "--token", "wrong", expect=1)["error"]
    assert error["code"] == "UNAUTHENTICATED"
    assert error["message"].endswith("pass --token or set HEADRACE_TOKEN")
    monkeypatch.setenv("HEADRACE_TOKEN", "wrong")
    assert deployment.json("run", "list", expect=1)["error"]["code"] == "UNAUTHENTICATED"
    monkeypatch.delenv("HEADRACE_TOKEN")
    (tmp_path / "headrace").mkdir()
    (tmp_path / "headrace" / "config.toml").write_text(
        f'[hosts."{deployment.url}/"]\ntoken = "also-wrong"\n'
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    there = ("run", "list", "--host", deployment.url)
    assert deployment.json(*there, expect=1)["error"]["code"] == "UNAUTHENTICATED"
    assert "runs" in deployment.json("run", "list"), "the file configures other gateways only"
    odd = deployment.json("run", "list", "--token", "a b", expect=1)["error"]
    assert odd["code"] == "MALFORMED"


def test_events_are_streamed_without_buffering(deployment: Deployment) -> None:
    with httpx.stream(
        "GET", f"{deployment.url}/api/v1/runs/live", timeout=300, trust_env=False
    ) as response:
        assert next(response.iter_text()).startswith("event: runs")
