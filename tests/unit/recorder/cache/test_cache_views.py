"""Explanations of cache hits and misses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from headrace_recorder.cache.views import cache_view

from tests.unit.recorder.histories import HIT, at, task_row


def executed(second: float, number: int, **parts: Any) -> dict[str, Any]:
    return {
        "run_id": UUID(int=number),
        "task_id": UUID(int=number + 100),
        "created_at": at(second),
        "fingerprint": {"digest": "x", "parts": parts},
    }


MISSED = task_row("root/a", fingerprint={"digest": "d", "parts": {"seed": 1, "image": "x"}})


def test_a_task_without_a_fingerprint_does_not_use_the_cache() -> None:
    view = cache_view(task_row("root/a"), [executed(1, 1, seed=1)])
    assert (view["hit"], view["used"]) == (False, False)
    assert "does not use the cache" in view["reason"]


def test_a_hit_names_its_origin() -> None:
    found = task_row(
        "root/a",
        origin=HIT.model_dump(mode="json"),
        fingerprint={"digest": "d", "parts": {"seed": 1}},
    )
    view = cache_view(found, [])
    assert (view["hit"], view["origin"]["run_id"]) == (True, str(HIT.run_id))
    rerun = task_row("root/a", origin={**HIT.model_dump(mode="json"), "kind": "rerun"})
    assert cache_view(rerun, [])["hit"] is False


@pytest.mark.parametrize(
    ("earlier", "reason", "differs"),
    [
        ([], "no earlier execution of this component is known", None),
        ([executed(11, 1, seed=1, image="x")], "no earlier execution of this component", None),
        (
            [executed(1, 1, seed=1, image="x")],
            "did not succeed, or its outputs no longer exist",
            [],
        ),
        (
            [executed(2, 2, seed=2, image="y"), executed(1, 1, seed=2, image="x")],
            "differs from the closest earlier execution in: seed",
            [{"part": "seed", "was": 2, "is": 1}],
        ),
    ],
)
def test_a_miss_lists_the_differences(earlier: Any, reason: str, differs: Any) -> None:
    view = cache_view(MISSED, earlier)
    assert reason in view["reason"]
    assert view.get("differs") == differs
    assert (view["fingerprint"], view["hit"], view["used"]) == ("d", False, True)
    if differs is not None:
        assert view["closest"] == {"run_id": str(UUID(int=1)), "task_id": str(UUID(int=101))}
