"""KFP's routes of runs."""

from __future__ import annotations

import pytest
from headrace_contracts.failures import RejectionCode

from tests.unit.ui_gateway.kfp.fake_services import ONE, RUN, kfp_world, rejection, run_answer


async def test_an_ended_run_cannot_be_terminated() -> None:
    async with kfp_world() as world:
        world.recorder.answers[f"GET /runs/{ONE}"] = run_answer(RUN)
        answer = await world.client.post(f"/apis/v2beta1/runs/{ONE}:terminate")
        assert answer.status_code == 400
        world.api.answers[f"POST /runs/{ONE}/cancel"] = rejection(RejectionCode.FORBIDDEN)
        answer = await world.client.post(f"/apis/v2beta1/runs/{ONE}:terminate")
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "content",
    [
        b"{not",
        b"[]",
        b"",
        b"[" * 100_000,
        b'{"surprise": 1}',
        b'{"display_name": "a\\u0000b"}',
        b'{"description": "\\ud800"}',
        b'{"pipeline_spec": {"a": NaN}}',
        b'{"state": "NO"}',
        b'{"created_at": 3}',
        b'{"error": {"code": false}}',
    ],
)
async def test_an_invalid_body_is_rejected(content: bytes) -> None:
    async with kfp_world() as world:
        answer = await world.client.post(
            "/apis/v2beta1/runs", content=content, headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert not world.api.calls
