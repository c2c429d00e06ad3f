"""Background loops: when they pause, and which errors they survive."""

from __future__ import annotations

import asyncio

import pytest
from headrace_api import loops
from headrace_runtime.errors import FatalError, RetryableError


class Done(Exception):
    """Ends the loop."""


async def test_a_loop_pauses_when_nothing_is_left_and_after_retryable_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    outcomes = iter([True, False, RetryableError("away"), True, Done()])

    async def step() -> bool:
        calls.append("step")
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(seconds: float) -> None:
        calls.append(f"pause {seconds}")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(Done):
        await loops.repeat("sweep", step, 3.0)
    assert calls == ["step", "step", "pause 3.0", "step", "pause 3.0", "step", "step"]


async def test_other_errors_end_a_loop() -> None:
    async def step() -> bool:
        raise FatalError("no")

    with pytest.raises(FatalError):
        await loops.repeat("sweep", step, 3.0)
