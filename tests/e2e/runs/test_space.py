"""A deployment below its reserve of free space says so at every door, and accepts no new work."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import nats
import pytest

from tests.support.deployment import Deployment
from tests.support.routes import SPEC
from tests.support.waiting import HANG_SECONDS

pytestmark = pytest.mark.e2e
WHOLE_DISK = {"RESERVE_BYTES": str(2**62), "RESERVE_PERCENT": "100"}


@pytest.fixture(scope="module")
def full() -> Iterator[Deployment]:
    """A deployment whose reserve is the whole disk."""
    prefixes = ("HEADRACE_API_", "HEADRACE_UI_GATEWAY_")
    deployment = Deployment({p + key: value for p in prefixes for key, value in WHOLE_DISK.items()})
    try:
        deployment.up()
        yield deployment
    finally:
        deployment.remove()


@pytest.mark.parametrize(
    ("path", "code"), [("/api/v1/runs", "INSUFFICIENT_STORAGE"), ("/apis/v2beta1/runs", 8)]
)
def test_http_refuses_with_a_507_and_the_numbers(full: Deployment, path: str, code: Any) -> None:
    refused = httpx.post(f"{full.url}{path}", json={"pipeline_spec": SPEC}, trust_env=False)
    assert (refused.status_code, refused.json()["code"]) == (507, code)
    for part in (str(full.data), "MiB are free", "are needed to accept new work"):
        assert part in refused.text


def test_the_command_line_and_status_say_so(full: Deployment, tmp_path: Any) -> None:
    package = tmp_path / "pipeline.yaml"
    package.write_text(json.dumps(SPEC))
    refused = full.command("run", "submit", str(package))
    assert refused.returncode == 1
    assert "not enough free space" in refused.stderr
    assert "MiB are needed to accept new work" in full.command("status").stdout
    assert "MiB are needed" in full.json("status")["refuses_new_work"]
    health = httpx.get(f"{full.url}/api/v1/healthz", trust_env=False).json()
    assert health["accepts_new_work"] is False
    assert str(full.data) not in json.dumps(health), "it needs no token"
    port = full.json("status")["processes"]["api"]["port"]
    ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
    assert ready.status_code == 200, "a restart would not help"
    assert "not enough free space" in ready.text


async def test_a_message_is_answered_with_a_rejection(full: Deployment) -> None:
    client = await nats.connect(full.nats_url)
    identity = str(uuid4())
    answers = await client.subscribe(f"evt.submission.{identity}.*")
    headers = {
        "ce-id": identity, "ce-specversion": "1.0", "ce-source": "/test", "ce-type": "run.submit",
        "Nats-Msg-Id": identity,
    }  # fmt: skip
    body = json.dumps({"pipeline_spec": SPEC}).encode()
    await client.jetstream().publish("cmd.run.submit", body, headers=headers)
    answer = await asyncio.wait_for(answers.next_msg(HANG_SECONDS), HANG_SECONDS)
    await client.close()
    assert json.loads(answer.data)["rejection"]["code"] == "INSUFFICIENT_STORAGE"
    assert os.fspath(full.data) in answer.data.decode()
