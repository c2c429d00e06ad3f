"""Requests are sent, retried, and end in a response or an error."""

from __future__ import annotations

import inspect
import json
import time

import httpx
import pytest
from headrace.client import AsyncClient, Client, ClientError, Patience
from headrace.client.transport.requests import Request, Response, path_segment
from headrace.client.transport.retries import RequestAttempts

from tests.unit.client.gateway import QUICK, Gateway, problem, run_body

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
def test_transient_failures_are_retried(failure: httpx.Response | Exception) -> None:
    gateway = Gateway(failure, failure, RUN)
    assert gateway.client().run("r1").state == "SUCCEEDED"
    assert len(gateway.requests) == 3


async def test_transient_failures_are_retried_with_asyncio() -> None:
    gateway = Gateway(httpx.ConnectError("refused"), BUSY, RUN)
    async with gateway.awaiting() as client:
        assert (await client.run("r1")).state == "SUCCEEDED"
    assert len(gateway.requests) == 3


def test_a_retry_has_the_same_idempotency_key() -> None:
    gateway = Gateway(httpx.ReadTimeout("silent"), RUN)
    client = gateway.client()
    client.submit({"pipeline": {"name": "hello"}})
    first, second = [request.headers["idempotency-key"] for request in gateway.requests]
    assert first == second
    client.submit({"pipeline": {"name": "hello"}})
    assert gateway.requests[2].headers["idempotency-key"] != first


def test_the_callers_idempotency_key_is_sent() -> None:
    gateway = Gateway(RUN)
    gateway.client().submit({"pipeline": {"name": "hello"}, "idempotency_key": "mine"})
    assert gateway.requests[0].headers["idempotency-key"] == "mine"
    assert json.loads(gateway.requests[0].content) == {"pipeline": {"name": "hello"}}


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (409, "CONFLICT"), (500, "X")])
def test_a_rejection_is_not_retried(status: int, code: str) -> None:
    gateway = Gateway(problem(status, code, "no"))
    with pytest.raises(ClientError) as caught:
        gateway.client().run("r1")
    assert (caught.value.code, caught.value.status, len(gateway.requests)) == (code, status, 1)


def test_an_error_names_the_field_and_has_a_hint() -> None:
    gateway = Gateway(problem(400, "MALFORMED", "a number is expected", field="priority"))
    with pytest.raises(ClientError, match=r"^a number is expected \(at priority\)$") as caught:
        gateway.client().submit({"pipeline": {"name": "x"}})
    assert caught.value.field == "priority"
    with pytest.raises(ClientError, match="HEADRACE_TOKEN"):
        Gateway(problem(401, "UNAUTHENTICATED", "no token")).client().me()


def test_an_unreachable_gateway() -> None:
    gateway = Gateway(httpx.ConnectError("refused"))
    with pytest.raises(ClientError, match="start a local deployment with: headrace up") as caught:
        gateway.client().run("r1")
    assert (caught.value.code, len(gateway.requests)) == ("UNREACHABLE", QUICK.attempts)


def test_a_request_without_response_may_have_been_processed() -> None:
    gateway = Gateway(httpx.ReadTimeout("silent"))
    with pytest.raises(ClientError, match="it may have processed the request") as caught:
        gateway.client().submit({"pipeline": {"name": "x"}})
    assert caught.value.code == "TIMEOUT"


def test_the_retry_operation_is_not_repeated_when_it_may_have_arrived() -> None:
    gateway = Gateway(RUN, httpx.ReadTimeout("silent"))
    with pytest.raises(ClientError):
        gateway.client().retry("r1")
    assert len(gateway.requests) == 2
    on = httpx.Response(200, json=run_body("RUNNING", version=2))
    gateway = Gateway(RUN, httpx.ConnectError("refused"), httpx.Response(202, json={}), RUN, on)
    gateway.client().operate("r1", "retry")
    assert len(gateway.requests) == 5


def test_a_deletion_whose_response_was_lost_succeeds() -> None:
    gone = problem(404, "NOT_FOUND", "no such run")
    Gateway(httpx.ReadTimeout("silent"), gone).client().delete("r1")
    with pytest.raises(ClientError):
        Gateway(httpx.ConnectError("refused"), gone).client().delete("r1")


def test_retry_after_is_honored_up_to_a_limit() -> None:
    later = httpx.Response(429, headers={"Retry-After": "0.2"}, json={"detail": "slowly"})
    began = time.monotonic()
    Gateway(later, RUN).client().run("r1")
    assert time.monotonic() - began >= 0.2
    too_long = httpx.Response(429, headers={"Retry-After": "3600"}, json={"detail": "slowly"})
    with pytest.raises(ClientError):
        Gateway(too_long, RUN).client().run("r1")


def test_a_busy_gateway_is_asked_again_for_longer_than_one_that_fails() -> None:
    patience = Patience(attempts=2, busy_seconds=30.0)
    attempts = RequestAttempts(Request("POST", "/runs"), patience, "http://gateway")
    busy = Response(429, {"retry-after": "1"}, b'{"code": "TOO_MANY_REQUESTS", "detail": "busy"}')
    pauses = [attempts.after_response(busy, 0.0) or 0.0]
    while sum(pauses) < 30:
        pauses.append(attempts.after_response(busy, 0.0) or 0.0)
    assert (min(pauses), max(pauses)) == (1.0, 2.5)
    assert attempts.after_response(busy, 0.0) is not None
    with pytest.raises(ClientError) as refused:
        attempts.after_response(busy, 0.0)
    assert refused.value.code == "TOO_MANY_REQUESTS"


def test_too_little_space_is_an_error_at_once() -> None:
    gateway = Gateway(problem(507, "INSUFFICIENT_STORAGE", "41.2 MiB are free"))
    with pytest.raises(ClientError, match=r"41\.2 MiB are free") as refused:
        gateway.client().submit({"pipeline": {"name": "x"}})
    assert (refused.value.code, refused.value.status) == ("INSUFFICIENT_STORAGE", 507)
    assert len(gateway.requests) == 1


def test_pauses_grow_up_to_a_limit() -> None:
    patience = Patience(first_seconds=0.1, longest_seconds=1.0)
    pauses = [patience.pause(attempt, 0.999) for attempt in range(1, 8)]
    assert pauses == sorted(pauses)
    assert 0.05 <= pauses[0] <= 0.1
    assert 0.9 <= pauses[-1] <= 1.0


def test_a_server_that_is_not_a_gateway() -> None:
    with pytest.raises(ClientError, match="is this the address of a gateway"):
        Gateway(httpx.Response(200, text="<html>")).client().run("r1")
    with pytest.raises(ClientError, match="responded with status 418"):
        Gateway(httpx.Response(418, text="teapot")).client().run("r1")


def test_an_id_is_one_segment_of_a_path() -> None:
    assert path_segment("../pipelines?x") == "..%2Fpipelines%3Fx"
    for none in ("", ".", ".."):
        with pytest.raises(ClientError):
            path_segment(none)


def test_the_token_is_sent_only_to_the_gateway() -> None:
    artifact = {"artifact_id": "a1", "name": "a", "uri": "s3://b/a", "output": "a"}
    moved = httpx.Response(307, headers={"Location": "http://store.test/a?signature=1"})
    gateway = Gateway(httpx.Response(200, json=artifact), moved, httpx.Response(200, content=b"x"))
    client = gateway.client(token="secret")
    assert client.read(client.artifact("a1")) == b"x"
    sent = [request.headers.get("authorization") for request in gateway.requests]
    assert sent == ["Bearer secret", "Bearer secret", None]
    assert str(gateway.requests[2].url) == "http://store.test/a?signature=1"


def test_a_list_is_read_in_as_many_pages_as_needed() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        size = int(request.url.params["page_size"])
        at = int(request.url.params.get("page_token", 0))
        runs = [run_body(run_id=f"r{n}") for n in range(at, at + size)]
        following = {} if at + size >= 450 else {"next_page_token": str(at + size)}
        return httpx.Response(200, json={"runs": runs, **following})

    gateway = Gateway(page)
    client = gateway.client(namespace="team-a")
    assert [run.run_id for run in client.runs(250)] == [f"r{n}" for n in range(250)]
    assert [r.url.params["page_size"] for r in gateway.requests] == ["200", "50"]
    assert {r.url.params["namespace"] for r in gateway.requests} == {"team-a"}
    assert client.runs(0) == []


def test_operations_have_docstrings_and_signatures() -> None:
    assert "Submit a run" in str(Client.submit.__doc__)
    parameters = list(inspect.signature(Gateway(RUN).client().submit).parameters)
    assert parameters[:2] == ["source", "parameters"]
    assert inspect.iscoroutinefunction(AsyncClient.submit)


def test_both_clients_have_the_same_operations() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_without_an_address_there_must_be_a_local_deployment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HEADRACE_DATA", str(tmp_path))
    monkeypatch.delenv("HEADRACE_HOST", raising=False)
    with pytest.raises(ClientError, match="start one with: headrace up"):
        Client()
    monkeypatch.setenv("HEADRACE_HOST", "http://elsewhere.test/")
    assert Client().url == "http://elsewhere.test"
