"""What is read for visualizations, from where, and how much of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from headrace_ui_gateway.rest import visualizations as visualizations

from tests.unit.ui_gateway.rest.fake_services import FakeServices, client_over

RUN = "01900000-0000-7000-8000-000000000001"
TASKS = [f"01900000-0000-7000-8000-0000000000{n}0" for n in range(1, 4)]
ARTIFACT = "01900000-0000-7000-8000-000000000009"
AT = "2026-11-25T02:00:00Z"
TABLE = {"type": "table", "storage": "inline", "header": ["x"], "source": "1\n"}
Artifacts = dict[str, list[dict[str, Any]]]


@pytest.fixture
def fake() -> FakeServices:
    return FakeServices()


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What is fake links; each may be read once that it is there."""
    stored: dict[str, bytes] = {}

    async def download(url: str, most: int) -> tuple[bytes, bool]:
        return stored[url][:most], len(stored[url]) <= most

    monkeypatch.setattr(visualizations, "download", download)
    return stored


@pytest.fixture
async def client(fake: FakeServices) -> AsyncIterator[httpx.AsyncClient]:
    async with client_over(fake) as made:
        yield made


def artifact(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "n",
        "uri": "s3://headrace/k",
        "type": {"schemaTitle": kind},
        "content": {"kind": "file", "bytes": 9, "files": 1},
        "artifact_id": ARTIFACT,
        **fields,
    }


def task(at: int, path: str, artifacts: Artifacts) -> dict[str, Any]:
    return {
        "task_id": TASKS[at],
        "run_id": RUN,
        "name": path.rpartition("/")[2],
        "display_name": path,
        "path": path,
        "state": "SUCCEEDED",
        "created_at": AT,
        "outputs": {"artifacts": artifacts},
    }


def tell(fake: FakeServices, *tasks: dict[str, Any]) -> None:
    """What recorder knows: the run with these tasks."""
    run = {
        "run_id": RUN,
        "namespace": "default",
        "experiment_id": RUN,
        "display_name": "r",
        "pipeline": {"name": "p"},
        "state": "SUCCEEDED",
        "created_at": AT,
        "version": 3,
        "tasks": list(tasks),
    }
    headers = {"X-Run-Version": "3", "X-Run-State": "SUCCEEDED"}
    fake.answer("GET", f"/runs/{RUN}", run, **headers)
    for one in tasks:
        fake.answer("GET", f"/tasks/{one['task_id']}", one)
    record = {
        "artifact_id": ARTIFACT,
        "namespace": "default",
        "run_id": RUN,
        "task_id": TASKS[0],
        "output": "out",
        "name": "n",
        "uri": "s3://headrace/k",
        "created_at": AT,
    }
    fake.answer("GET", f"/artifacts/{ARTIFACT}", record)


def link(fake: FakeServices, url: str, at: int = 0, output: str = "out") -> None:
    """The link that recorder gives to an artifact."""
    fake.answer("GET", f"/runs/{RUN}/tasks/{TASKS[at]}/artifacts/{output}", {"url": url})


async def shown(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/runs/{RUN}/visualizations{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["visualizations"])


async def test_visualizations_of_a_run_of_a_task_and_of_the_tasks_inside(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    metrics: Artifacts = {"m": [artifact("system.Metrics", metadata={"a": 1})]}
    paths = ("root/loop", "root/loop/0", "root/looping")
    tell(fake, *(task(at, path, metrics) for at, path in enumerate(paths)))
    assert [one["path"] for one in await shown(client)] == list(paths)
    inside = await shown(client, f"?task_id={TASKS[0]}")
    assert [one["path"] for one in inside] == ["root/loop", "root/loop/0"]
    answer = await client.get(f"/runs/{RUN}/visualizations?task_id={RUN}")
    assert (answer.status_code, answer.json()["field"]) == (404, "task_id")
    answer = await client.get(f"/runs/{TASKS[0]}/visualizations")
    assert answer.status_code == 404


async def test_an_unmodified_list_is_a_304(client: httpx.AsyncClient, fake: FakeServices) -> None:
    tell(fake)
    tag = (await client.get(f"/runs/{RUN}/visualizations")).headers["etag"]
    again = await client.get(f"/runs/{RUN}/visualizations", headers={"If-None-Match": tag})
    assert again.status_code == 304


async def test_content_is_downloaded_by_the_link_of_the_recorder(
    client: httpx.AsyncClient, fake: FakeServices, stored: dict[str, bytes]
) -> None:
    stored["http://store/page"] = b"<h1>hello</h1>"
    tell(fake, task(0, "root/a", {"out": [artifact("system.HTML")]}))
    link(fake, "http://store/page")
    (page,) = await shown(client)
    assert (page["type"], page["text"]) == ("html", "<h1>hello</h1>")
    of_artifact = await client.get(f"/artifacts/{ARTIFACT}/visualizations")
    assert of_artifact.json()["visualizations"] == [page]


async def test_a_page_has_no_origin_and_no_network(
    client: httpx.AsyncClient, fake: FakeServices, stored: dict[str, bytes]
) -> None:
    stored["http://store/page"] = b"<script>alert(1)</script>"
    tell(fake, task(0, "root/a", {"out": [artifact("system.HTML")]}))
    link(fake, "http://store/page")
    answer = await client.get(f"/artifacts/{ARTIFACT}/visualizations/0/page")
    assert answer.text == "<script>alert(1)</script>"
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert (await client.get(f"/artifacts/{ARTIFACT}/visualizations/1/page")).status_code == 404


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/x", "gs://b/x", "s3://other/x", "/etc/passwd"])
async def test_an_artifact_outside_of_the_object_store_is_not_downloaded(
    client: httpx.AsyncClient, fake: FakeServices, stored: dict[str, bytes], uri: str
) -> None:
    stored[uri] = b"secret"
    tell(fake, task(0, "root/a", {"out": [artifact("system.HTML", uri=uri)]}))
    link(fake, uri)
    (fault,) = await shown(client)
    assert fault["message"] == f"the artifact is at {uri}, outside of the deployment's object store"


async def test_the_recorder_decides_which_sources_may_be_read(
    client: httpx.AsyncClient, fake: FakeServices, stored: dict[str, bytes]
) -> None:
    named = {**TABLE, "storage": "", "source": "s3://headrace/runs/x"}
    content = json.dumps({"outputs": [named, TABLE]}).encode()
    stored |= {"http://store/ui": content, "http://store/x": b"7\n"}
    output = "mlpipeline_ui_metadata"
    tell(fake, task(0, "root/a", {output: [artifact("")]}))
    link(fake, "http://store/ui", output=output)
    first, second = await shown(client)
    assert (first["type"], first["message"]) == ("error", "not found")
    assert second["rows"] == [["1"]]
    requests = [one for one in fake.requests if one.url.path.endswith("/source")]
    assert requests[0].url.params["uri"] == "s3://headrace/runs/x"
    fake.answer("GET", f"/runs/{RUN}/source", {"url": "http://store/x"})
    first, second = await shown(client)
    assert (first["rows"], second["rows"]) == ([["7"]], [["1"]])


async def test_a_folder_cannot_be_shown(client: httpx.AsyncClient, fake: FakeServices) -> None:
    tell(fake, task(0, "root/a", {"out": [artifact("system.HTML")]}))
    fake.answer("GET", f"/runs/{RUN}/tasks/{TASKS[0]}/artifacts/out", {"files": []})
    (fault,) = await shown(client)
    assert "a folder" in fault["message"]


async def test_an_unavailable_object_store_is_a_503(
    client: httpx.AsyncClient, fake: FakeServices
) -> None:
    tell(fake, task(0, "root/a", {"out": [artifact("system.HTML")]}))
    link(fake, "http://127.0.0.1:1/away")
    answer = await client.get(f"/runs/{RUN}/visualizations")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


async def test_the_size_of_a_response_is_limited(
    client: httpx.AsyncClient, fake: FakeServices, stored: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(visualizations, "_MAX_VISUALIZATIONS", 5)
    monkeypatch.setattr(visualizations, "_MAX_RESPONSE_BYTES", 100)
    stored["http://store/page"] = b"x" * 60
    several = [artifact("system.HTML", artifact_id=None)] * 6
    tell(fake, task(0, "root/a", {"out": several}))
    link(fake, "http://store/page")
    answer = (await client.get(f"/runs/{RUN}/visualizations")).json()
    assert answer["truncated"] is True
    kinds = [one["type"] for one in answer["visualizations"]]
    assert len(kinds) == 5
    assert kinds[-1] == "error"
    assert "too much" in answer["visualizations"][-1]["message"]
    assert [one["position"] for one in answer["visualizations"]] == [0] * 5
