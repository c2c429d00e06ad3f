"""What the gateway makes of a service that is away, that fails, or that says what is away."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from headrace_contracts.access import Access
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.http import problem, unavailable_problem
from headrace_ui_gateway.auth.caller import ACCESS
from headrace_ui_gateway.upstream.client import ServiceClient


def client(answer: Callable[[httpx.Request], httpx.Response]) -> ServiceClient:
    return ServiceClient("api", "http://api", "token", httpx.MockTransport(answer))


async def error_of(service: ServiceClient) -> Exception:
    token = ACCESS.set(Access.everywhere())
    try:
        await service.call("GET", "/runs")
    except (RetryableError, RejectedError) as error:
        return error
    finally:
        ACCESS.reset(token)
    raise AssertionError("the call succeeded")


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def answering(status: int, content: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, content=content)


AWAY = "the service 'api' is unavailable"
POSTGRES = unavailable_problem(RetryableError("Postgres is unavailable", "at 127.0.0.1"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (raising(httpx.ConnectError("refused")), AWAY),
        (raising(httpx.ReadTimeout("slow")), AWAY),
        (raising(httpx.RemoteProtocolError("half an answer")), AWAY),
        (raising(OSError(24, "Too many open files")), AWAY),
        (answering(500, bytes(problem(500, "INTERNAL", "a bug").body)), AWAY),
        (answering(502, b"<html>bad gateway</html>"), AWAY),
        (answering(503, b"[]"), AWAY),
        (answering(503, bytes(POSTGRES.body)), "Postgres is unavailable"),
    ],
)
async def test_a_service_that_is_away_or_fails_is_unavailable(
    answer: Callable[[httpx.Request], httpx.Response], message: str
) -> None:
    error = await error_of(client(answer))
    assert isinstance(error, RetryableError)
    assert error.message == message


async def test_a_client_that_was_closed_makes_the_service_unavailable() -> None:
    service = client(answering(200, b"{}"))
    await service.close()
    error = await error_of(service)
    assert isinstance(error, RetryableError)
    assert (error.message, str(error)) == (AWAY, f"{AWAY}: the gateway stops")


async def test_a_rejection_that_is_no_problem_is_still_one() -> None:
    error = await error_of(client(answering(400, b"Bad Request")))
    assert isinstance(error, RejectedError)
    assert error.rejection.code is RejectionCode.MALFORMED
