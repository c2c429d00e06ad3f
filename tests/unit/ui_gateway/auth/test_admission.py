"""Back pressure in front of the routes: who waits, who is refused, and who needs no place."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from headrace_ui_gateway.auth.admission import Admission, is_new_work, others_wait
from headrace_ui_gateway.auth.refusals import Refusals
from headrace_ui_gateway.auth.rules.turns import Turns
from headrace_ui_gateway.kfp.http import gate_error
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.support.routes import ROWS, Row, Takes
from tests.support.waiting import until_async

NEW_WORK = [
    row
    for row in ROWS
    if row.method == "POST"
    and row.takes is Takes.EDITOR
    and not row.path.endswith(("archive", "cancel", "terminate", "pause", "resume", "able"))
]


class World:
    """An app with two places, whose requests last until the test lets them end."""

    def __init__(self, wait_seconds: float) -> None:
        self.entered = 0
        self.may_end = asyncio.Event()

        async def work(request: Request) -> Response:
            self.entered += 1
            await self.may_end.wait()
            return PlainTextResponse("others wait" if others_wait() else "no one waits")

        async def other(request: Request) -> Response:
            return PlainTextResponse("other")

        paths = ("/api/v1/runs", "/apis/v2beta1/runs")
        routes = [Route(path, work, methods=["POST"]) for path in paths]
        app = Starlette(routes=[*routes, Route("/{path:path}", other, methods=["GET", "POST"])])
        refusals = Refusals({"/apis/": gate_error})
        self.turns = Turns(2)
        limited = Admission(app, refusals, self.turns, wait_seconds)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(limited), base_url="http://gateway"
        )

    def submit(self, count: int, path: str = "/api/v1/runs") -> list[asyncio.Task[Any]]:
        """Send requests at the same time."""
        return [asyncio.create_task(self.http.post(path)) for _ in range(count)]


@pytest.mark.parametrize("path", ["/api/v1/runs", "/apis/v2beta1/runs"])
async def test_what_gets_no_place_in_time_is_told_to_come_back(path: str) -> None:
    world = World(0.01)
    working = world.submit(2, path)
    await until_async(lambda: world.entered == 2)
    refused = await world.http.post(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "retry in a second" in refused.text
    assert json.loads(refused.content)["code"] in ("TOO_MANY_REQUESTS", 8)
    assert (await world.http.get("/api/v1/runs")).text == "other"
    assert (await world.http.post("/api/v1/runs/r/cancel")).text == "other"
    world.may_end.set()
    assert {one.status_code for one in await asyncio.gather(*working)} == {200}
    assert (await world.http.post(path)).status_code == 200


async def test_a_request_waits_for_a_place() -> None:
    world = World(60)
    requests = world.submit(5)
    await until_async(lambda: world.entered == 2)
    await asyncio.sleep(0.01)
    assert world.entered == 2
    world.may_end.set()
    assert {one.status_code for one in await asyncio.gather(*requests)} == {200}


async def test_a_request_knows_whether_others_wait_for_its_place() -> None:
    world = World(60)
    requests = world.submit(2)
    await until_async(lambda: world.entered == 2)
    world.may_end.set()
    assert {one.text for one in await asyncio.gather(*requests)} == {"no one waits"}
    world.may_end.clear()
    requests = world.submit(3)
    await until_async(lambda: world.entered == 4)
    await until_async(lambda: world.turns.is_contended)
    world.may_end.set()
    assert (await requests[0]).text == "others wait"
    await asyncio.gather(*requests)
    assert not others_wait()


async def test_a_canceled_request_leaves_the_queue() -> None:
    world = World(60)
    requests = world.submit(4)
    await until_async(lambda: world.entered == 2)
    requests[2].cancel()
    await asyncio.sleep(0)
    requests[0].cancel()
    await until_async(lambda: world.entered == 3)
    world.may_end.set()
    await asyncio.gather(*requests, return_exceptions=True)
    assert (await world.http.post("/api/v1/runs")).status_code == 200


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_limit_is_for_routes_that_create_work(row: Row) -> None:
    path = row.path.replace("{", "").replace("}", "")
    scope = {"type": "http", "method": row.method, "path": path}
    assert is_new_work(scope) == (row in NEW_WORK)
