"""KFP's routes for the bytes of artifacts and for logs."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.unit.ui_gateway.kfp.fake_services import AT, ONE, RUN, TWO, kfp_world, run_answer


async def test_read_an_artifact_and_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = {"name": "m", "uri": "s3://b/m"}
    outputs = {"artifacts": {"m": [artifact], "web": [{"name": "web", "uri": "https://evil/"}]}}
    task = {
        "task_id": TWO,
        "name": "train",
        "display_name": "Train",
        "path": "root/train",
        "state": "SUCCEEDED",
        "created_at": AT,
        "outputs": outputs,
    }

    async def download(url: str, most: int) -> tuple[bytes, bool]:
        assert url == "http://store/m"
        return b"bytes", True

    monkeypatch.setattr("headrace_ui_gateway.kfp.node_files.download", download)
    path = f"GET /runs/{ONE}/tasks/{TWO}"

    def part(call: Any) -> httpx.Response:
        offset = call.params["offset"]
        text = b"first second"
        size, complete = (6, "false") if offset < 6 else (len(text), "true")
        headers = {"X-Log-Size": str(size), "X-Log-Complete": complete}
        return httpx.Response(200, content=text[offset:size], headers=headers)

    async with kfp_world() as world:
        answers = world.recorder.answers
        answers[f"GET /runs/{ONE}"] = run_answer({**RUN, "tasks": [task]})
        answers[f"{path}/artifacts/m"] = {"url": "http://store/m"}
        answers[f"{path}/artifacts/web"] = {"url": "https://evil/"}
        answers[f"{path}/artifacts/folder"] = {"files": []}
        answers[f"{path}/log"] = part
        nodes = f"/apis/v2beta1/runs/{ONE}/nodes/train/artifacts"
        answer = await world.client.get(f"{nodes}/m:read")
        assert base64.b64decode(answer.json()["data"]) == b"bytes"
        for name in ("web", "folder"):
            answer = await world.client.get(f"{nodes}/{name}:read")
            assert (answer.status_code, answer.json()["code"]) == (400, 9)
        logs = f"/apis/v1alpha1/runs/{ONE}/nodes"
        assert (await world.client.get(f"{logs}/{TWO}/log")).text == "first "
        assert (await world.client.get(f"{logs}/Train/log?follow=true")).text == "first second"
        assert (await world.client.get(f"{logs}/nobody/log")).status_code == 404
