"""Streams resume wherever they were cut."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace.client import ClientError, Run
from headrace.client.transport import streams

from tests.unit.client.gateway import Gateway, problem, run_body, stream, task_body

CUT = httpx.ReadError("cut")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_POLL_SECONDS", 0.001)


def event(body: dict[str, Any]) -> bytes:
    return b"event: run\ndata: " + json.dumps(body).encode() + b"\n\n"


FIRST = event(run_body(tasks=[task_body("a", state="RUNNING")]))
SECOND = event(run_body(version=2, tasks=[task_body("b", state="RUNNING", position=1)]))
END = event(run_body("SUCCEEDED", version=3, tasks=[task_body("a")]))


@pytest.mark.parametrize("cut", range(0, len(FIRST + SECOND), 97))
def test_a_watch_that_is_cut_resumes(cut: int) -> None:
    whole = event(run_body("SUCCEEDED", version=3, tasks=[task_body("a"), task_body("b")]))
    sent = (FIRST + SECOND)[:cut]
    gateway = Gateway(stream(sent, error=CUT), httpx.ConnectError("away"), stream(whole))
    seen = [(run["version"], run.state) for run in gateway.client().watch("r1")]
    assert seen[-1] == (3, "SUCCEEDED")
    assert seen == sorted(set(seen))


def test_a_watch_merges_changed_tasks_into_all_tasks() -> None:
    *_, last = Gateway(stream(FIRST, b": alive\n\n", SECOND + END)).client().watch("r1")
    assert [(task.path, task.state) for task in last.tasks] == [
        ("a", "SUCCEEDED"),
        ("b", "RUNNING"),
    ]


async def test_a_watch_with_asyncio() -> None:
    gateway = Gateway(stream(FIRST, error=CUT), BUSY, stream(FIRST + SECOND + END))
    async with gateway.awaiting() as client:
        seen = [run["version"] async for run in client.watch("r1")]
        assert seen == [1, 2, 3]
        assert (await client.wait("r1", show="none")).succeeded


BUSY = problem(503, "UNAVAILABLE", "away")


def test_a_watch_has_a_deadline() -> None:
    gateway = Gateway(stream(FIRST, error=httpx.ReadTimeout("silent")))
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"run r1 has not ended within 0.1 s"):
        list(gateway.client().watch("r1", 0.1))
    assert time.monotonic() - began < 30


def test_an_unknown_run_is_an_immediate_error() -> None:
    gateway = Gateway(problem(404, "NOT_FOUND", "there is no run"))
    with pytest.raises(ClientError, match="there is no run"):
        list(gateway.client().watch("r1"))


def test_an_unavailable_gateway_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(ClientError) as caught:
        list(Gateway(httpx.ConnectError("away")).client().watch("r1"))
    assert caught.value.code == "UNREACHABLE"


def test_a_log_resumes_where_it_was_cut() -> None:
    gateway = Gateway(
        stream(b"one\n", b"tw", error=CUT), BUSY, stream(b"o\n", error=CUT), stream(b"three\n")
    )
    run = Run(run_body(tasks=[task_body("t1")]))
    followed = gateway.client().follow_log(run, run.task("t1"))
    assert b"".join(followed) == b"one\ntwo\nthree\n"
    assert {request.url.path for request in gateway.requests} == {"/api/v1/runs/r1/tasks/id-t1/log"}
    asked = [request.url.params["offset"] for request in gateway.requests]
    assert asked == ["0", "6", "6", "8"]


def links(*paths: str) -> httpx.Response:
    files = [{"path": path, "url": f"http://store.test/{path}"} for path in paths]
    return httpx.Response(200, json={"files": files})


ARTIFACT = httpx.Response(
    200, json={"artifact_id": "a1", "name": "a", "uri": "s3://bucket/x/model", "output": "m"}
)
MOVED = httpx.Response(307, headers={"Location": "http://store.test/model"})


@pytest.mark.parametrize(
    ("again", "status"), [(b"defg", 206), (b"abcdefg", 200)], ids=["by range", "all of it"]
)
def test_a_download_that_is_cut_resumes(tmp_path: Path, again: bytes, status: int) -> None:
    gateway = Gateway(
        ARTIFACT, MOVED, stream(b"abc", error=CUT), stream(again[:2], again[2:], status=status)
    )
    place = gateway.client().download("a1", tmp_path)
    assert (place, place.read_bytes()) == (tmp_path / "model", b"abcdefg")
    assert gateway.requests[3].headers["range"] == "bytes=3-"
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


async def test_a_folder_with_asyncio(tmp_path: Path) -> None:
    gateway = Gateway(ARTIFACT, links("a.txt", "sub/b.txt"), stream(b"a"), stream(b"b"))
    async with gateway.awaiting() as client:
        place = await client.download("a1", tmp_path / "here")
    assert (place / "a.txt").read_bytes() == b"a"
    assert (place / "sub" / "b.txt").read_bytes() == b"b"


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x"])
def test_files_outside_of_the_folder_are_rejected(tmp_path: Path, path: str) -> None:
    with pytest.raises(ClientError, match="outside of its folder"):
        Gateway(ARTIFACT, links(path), stream(b"x")).client().download("a1", tmp_path / "here")
    assert not (tmp_path / "x").exists()


def test_a_download_that_fails_leaves_nothing(tmp_path: Path) -> None:
    gateway = Gateway(ARTIFACT, MOVED, stream(b"abc", error=CUT), httpx.Response(403))
    with pytest.raises(ClientError):
        gateway.client().download("a1", tmp_path)
    assert list(tmp_path.iterdir()) == []
