"""Loops and steps of the start: when they pause, and which errors they survive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_runtime import loops
from headrace_runtime.bus.connection import Bus
from headrace_runtime.errors import (
    FatalError,
    NotStorableError,
    PoisonError,
    RejectedError,
    RetryableError,
    TooEarlyError,
)
from headrace_runtime.loops import keeping_cancellation
from nats.aio.msg import Msg


class Done(BaseException):
    """Ends the loop."""


def passes(outcomes: Iterable[object], calls: list[str]) -> Callable[[], Awaitable[object]]:
    """A pass with these outcomes, which then ends the loop."""
    remaining = iter([*outcomes, Done()])

    async def one_pass() -> object:
        calls.append("pass")
        outcome = next(remaining)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return one_pass


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a loop does, with pauses that take no time."""
    made: list[str] = []

    async def sleep(seconds: float) -> None:
        made.append(f"pause {seconds}")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return made


async def test_a_pass_that_finds_more_is_followed_at_once_and_any_other_by_a_pause(
    calls: list[str],
) -> None:
    with pytest.raises(Done):
        await loops.repeat("sweep", passes([True, False, 7, None], calls), 3.0)
    assert calls == ["pass", "pass", "pause 3.0", "pass", "pause 3.0", "pass", "pause 3.0", "pass"]


@pytest.mark.parametrize(
    "error",
    [
        RetryableError("Postgres is unavailable"),
        TooEarlyError("not yet"),
        PoisonError("never"),
        NotStorableError.of("Postgres", "a NUL"),
        RejectedError.because(RejectionCode.MALFORMED, "no"),
        ValueError("a bug"),
        AssertionError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_of_one_pass_does_not_end_a_loop(calls: list[str], error: Exception) -> None:
    with pytest.raises(Done):
        await loops.repeat("sweep", passes([error, None], calls), 60.0)
    assert calls == ["pass", "pause 5.0", "pass", "pause 60.0", "pass"], "it waits less than usual"


async def test_after_an_error_a_loop_does_not_wait_longer_than_usual(calls: list[str]) -> None:
    with pytest.raises(Done):
        await loops.repeat("sweep", passes([ValueError()], calls), 1.0)
    assert calls == ["pass", "pause 1.0", "pass"]


async def test_a_fatal_error_ends_a_loop(calls: list[str]) -> None:
    with pytest.raises(FatalError):
        await loops.repeat("sweep", passes([FatalError("no")], calls), 3.0)
    assert calls == ["pass"]


async def test_a_loop_can_begin_with_a_pause(calls: list[str]) -> None:
    with pytest.raises(Done):
        await loops.repeat("sweep", passes([], calls), 3.0, pause_first=True)
    assert calls == ["pause 3.0", "pass"]


async def test_a_pause_ends_early_when_the_loop_is_woken() -> None:
    wake, made = asyncio.Event(), asyncio.Event()

    async def one_pass() -> None:
        made.set()

    loop = asyncio.create_task(loops.repeat("sweep", one_pass, 10_000.0, wake=wake))
    for _ in range(3):
        async with asyncio.timeout(60):
            await made.wait()
        made.clear()
        wake.set()
    loop.cancel()


async def test_a_step_of_the_start_is_repeated_while_something_is_unavailable(
    calls: list[str],
) -> None:
    away = RetryableError("away")
    result = await loops.until_available(passes([away, away, "done"], calls), "start_postponed")
    assert result == "done"
    assert calls == ["pass", "pause 0.5", "pass", "pause 0.5", "pass"]


async def test_a_defect_ends_a_step_of_the_start(calls: list[str]) -> None:
    with pytest.raises(ValueError, match="a bug"):
        await loops.until_available(passes([ValueError("a bug")], calls), "start_postponed")


async def cancelled_with_its_answer(request: Callable[[asyncio.Future[Any]], Any]) -> bool:
    """Whether a task ends that is cancelled in the moment in which its answer arrives."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await request(answer)
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    answer.set_result(Msg(None, data=b'{"stream": "EVENTS", "seq": 1}'))
    task.cancel()
    await asyncio.wait({task}, timeout=0.2)
    is_over = task.done()
    task.cancel()
    await asyncio.wait({task})
    return is_over


async def test_a_cancellation_that_comes_with_an_answer_counts() -> None:
    assert await cancelled_with_its_answer(
        lambda answer: keeping_cancellation(asyncio.wait_for(answer, 60))
    )


async def test_a_request_to_the_bus_is_cancelled_also_when_its_answer_arrives() -> None:
    for call in (
        lambda js: js.publish("evt.run.x.y", b""),
        lambda js: js._api_request("$JS.API.STREAM.INFO.EVENTS"),
    ):
        bus = Bus("test", lambda _: None)

        def request(answer: asyncio.Future[Any], bus: Bus = bus, call: Any = call) -> Any:
            async def respond(*_: Any, **__: Any) -> Any:
                return await asyncio.wait_for(answer, 60)

            bus.client.request = respond  # type: ignore[method-assign]
            return call(bus.js)

        assert await cancelled_with_its_answer(request)
