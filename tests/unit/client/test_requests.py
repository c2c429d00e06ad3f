"""How a request goes out, comes back, is repeated, and is given up."""

from __future__ import annotations

import inspect
import json
import time

import httpx
import pytest
from headrace.client import AsyncClient, Client, ClientError, Patience, Run
from headrace.client.wire import part

from tests.unit.client.gateway import QUICK, Gateway, problem, run_body, task_body

RUN = httpx.Response(200, json=run_body("SUCCEEDED"))
BUSY = problem(503, "UNAVAILABLE", "the recorder is away")


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
        httpx.RemoteProtocolError("cut"),
        BUSY,
        problem(429, "TOO_MANY_REQUESTS", "slowly"),
        httpx.Response(502, text="<html>"),
    ],
    ids=["refused", "silent", "cut", "503", "429", "502"],
)
def test_what_passes_is_tried_again(failure: httpx.Response | Exception) -> None:
    gateway = Gateway(failure, failure, RUN)
    assert gateway.client().run("r1").state == "SUCCEEDED"
    assert len(gateway.asked) == 3


async def test_and_so_it_is_with_asyncio() -> None:
    gateway = Gateway(httpx.ConnectError("refused"), BUSY, RUN)
    async with gateway.awaiting() as client:
        assert (await client.run("r1")).state == "SUCCEEDED"
    assert len(gateway.asked) == 3


def test_a_repeat_has_the_same_key() -> None:
    gateway = Gateway(httpx.ReadTimeout("silent"), RUN)
    client = gateway.client()
    client.submit({"pipeline": {"name": "hello"}})
    first, second = [request.headers["idempotency-key"] for request in gateway.asked]
    assert first == second
    client.submit({"pipeline": {"name": "hello"}})
    assert gateway.asked[2].headers["idempotency-key"] != first


def test_the_callers_own_key_is_sent() -> None:
    gateway = Gateway(RUN)
    gateway.client().submit({"pipeline": {"name": "hello"}, "idempotency_key": "mine"})
    assert gateway.asked[0].headers["idempotency-key"] == "mine"
    assert json.loads(gateway.asked[0].content) == {"pipeline": {"name": "hello"}}


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (409, "CONFLICT"), (500, "X")])
def test_a_refusal_is_not_repeated(status: int, code: str) -> None:
    gateway = Gateway(problem(status, code, "no"))
    with pytest.raises(ClientError) as caught:
        gateway.client().run("r1")
    assert (caught.value.code, caught.value.status, len(gateway.asked)) == (code, status, 1)


def test_an_error_names_the_field_and_says_what_to_do() -> None:
    gateway = Gateway(problem(400, "MALFORMED", "a number is expected", field="priority"))
    with pytest.raises(ClientError, match=r"^a number is expected \(at priority\)$") as caught:
        gateway.client().submit({"pipeline": {"name": "x"}})
    assert caught.value.field == "priority"
    with pytest.raises(ClientError, match="HEADRACE_TOKEN"):
        Gateway(problem(401, "UNAUTHENTICATED", "no token")).client().me()


def test_who_is_away_for_good_is_told_of() -> None:
    gateway = Gateway(httpx.ConnectError("refused"))
    with pytest.raises(ClientError, match="start the deployment with: headrace up") as caught:
        gateway.client().run("r1")
    assert (caught.value.code, len(gateway.asked)) == ("UNREACHABLE", QUICK.attempts)


def test_silence_is_told_of_as_what_it_may_be() -> None:
    gateway = Gateway(httpx.ReadTimeout("silent"))
    with pytest.raises(ClientError, match="may have been carried out") as caught:
        gateway.client().submit({"pipeline": {"name": "x"}})
    assert caught.value.code == "TIMEOUT"


def test_a_retry_of_a_run_is_asked_for_once_where_it_may_have_arrived() -> None:
    gateway = Gateway(RUN, httpx.ReadTimeout("silent"))
    with pytest.raises(ClientError):
        gateway.client().retry("r1")
    assert len(gateway.asked) == 2
    on = httpx.Response(200, json=run_body("RUNNING", version=2))
    gateway = Gateway(RUN, httpx.ConnectError("refused"), httpx.Response(202, json={}), RUN, on)
    gateway.client().operate("r1", "retry")
    assert len(gateway.asked) == 5


def test_a_deletion_whose_answer_was_lost_is_one() -> None:
    gone = problem(404, "NOT_FOUND", "no such run")
    Gateway(httpx.ReadTimeout("silent"), gone).client().delete("r1")
    with pytest.raises(ClientError):
        Gateway(httpx.ConnectError("refused"), gone).client().delete("r1")


def test_the_gateway_says_when_to_come_again() -> None:
    later = httpx.Response(429, headers={"Retry-After": "0.2"}, json={"detail": "slowly"})
    began = time.monotonic()
    Gateway(later, RUN).client().run("r1")
    assert time.monotonic() - began >= 0.2
    too_long = httpx.Response(429, headers={"Retry-After": "3600"}, json={"detail": "slowly"})
    with pytest.raises(ClientError):
        Gateway(too_long, RUN).client().run("r1")


def test_pauses_grow_to_a_limit() -> None:
    patience = Patience(first_seconds=0.1, longest_seconds=1.0)
    pauses = [patience.pause(attempt, 0.999) for attempt in range(1, 8)]
    assert pauses == sorted(pauses)
    assert 0.05 <= pauses[0] <= 0.1
    assert 0.9 <= pauses[-1] <= 1.0


def test_what_is_no_gateway_is_told_of() -> None:
    with pytest.raises(ClientError, match="is this the address of a gateway"):
        Gateway(httpx.Response(200, text="<html>")).client().run("r1")
    with pytest.raises(ClientError, match="answered 418"):
        Gateway(httpx.Response(418, text="teapot")).client().run("r1")


def test_an_id_is_one_part_of_a_path() -> None:
    assert part("../pipelines?x") == "..%2Fpipelines%3Fx"
    for none in ("", ".", ".."):
        with pytest.raises(ClientError):
            part(none)


def test_the_token_goes_to_the_gateway_alone() -> None:
    artifact = {"artifact_id": "a1", "name": "a", "uri": "s3://b/a", "output": "a"}
    moved = httpx.Response(307, headers={"Location": "http://store.test/a?signature=1"})
    gateway = Gateway(httpx.Response(200, json=artifact), moved, httpx.Response(200, content=b"x"))
    client = gateway.client(token="secret")
    assert client.read(client.artifact("a1")) == b"x"
    sent = [request.headers.get("authorization") for request in gateway.asked]
    assert sent == ["Bearer secret", "Bearer secret", None]
    assert str(gateway.asked[2].url) == "http://store.test/a?signature=1"


def test_a_list_has_as_many_pages_as_it_takes() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        size = int(request.url.params["page_size"])
        at = int(request.url.params.get("page_token", 0))
        runs = [run_body(run_id=f"r{n}") for n in range(at, at + size)]
        following = {} if at + size >= 450 else {"next_page_token": str(at + size)}
        return httpx.Response(200, json={"runs": runs, **following})

    gateway = Gateway(page)
    client = gateway.client(namespace="team-a")
    assert [run.run_id for run in client.runs(250)] == [f"r{n}" for n in range(250)]
    assert [r.url.params["page_size"] for r in gateway.asked] == ["200", "50"]
    assert {r.url.params["namespace"] for r in gateway.asked} == {"team-a"}
    assert client.runs(0) == []


def test_operations_are_shown_by_help() -> None:
    assert "Submit a run" in str(Client.submit.__doc__)
    parameters = list(inspect.signature(Gateway(RUN).client().submit).parameters)
    assert parameters[:2] == ["source", "parameters"]
    assert inspect.iscoroutinefunction(AsyncClient.submit)


def test_both_clients_have_the_same_operations() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_without_an_address_there_has_to_be_a_deployment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HEADRACE_DATA", str(tmp_path))
    monkeypatch.delenv("HEADRACE_HOST", raising=False)
    with pytest.raises(ClientError, match="start one with: headrace up"):
        Client()
    monkeypatch.setenv("HEADRACE_HOST", "http://elsewhere.test/")
    assert Client().url == "http://elsewhere.test"


def test_a_run_is_its_answer() -> None:
    run = Run(run_body("FAILED", error={"message": "boom"}), "http://x")
    assert dict(run)["run_id"] == run.run_id == "r1"
    assert run.link == "http://x/runs/r1"
    with pytest.raises(ClientError, match="boom"):
        run.check()
    with pytest.raises(KeyError, match="has no task 'x'"):
        run.task("x")


def test_a_task_has_its_artifacts_by_the_outputs_names() -> None:
    several = [{"artifact_id": "one"}, {"artifact_id": "two"}]
    outputs = {"parameters": {}, "artifacts": {"models": several, "table": []}}
    task = Run(run_body(tasks=[task_body("train", outputs=outputs)])).task("train")
    assert task.artifact("models").artifact_id == "one"
    with pytest.raises(KeyError, match="task train has no artifact 'table'; it has: models"):
        task.artifact("table")
