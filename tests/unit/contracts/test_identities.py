"""Derived ids never change: a change would repeat effects."""

from __future__ import annotations

import time
from uuid import UUID

from headrace_contracts import ids

RUN_ID = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")
TASK_ID = UUID("4b4bf905-f66d-5d60-8155-15026f6a9485")


def test_derived_ids_never_change() -> None:
    assert ids.task_id(RUN_ID, "root/train") == TASK_ID
    assert ids.artifact_id(RUN_ID, TASK_ID, 1, "model", 0) == UUID(
        "baa7cbae-84a4-5043-b055-43f0a373235b"
    )
    assert ids.derived_event_id("run.started", RUN_ID) == UUID(
        "5fe87550-0a3b-543c-896e-a20df6bb2927"
    )


def test_a_derived_id_depends_on_each_part() -> None:
    first = ids.artifact_id(RUN_ID, TASK_ID, 1, "model", 0)
    others = [
        ids.artifact_id(UUID(int=1), TASK_ID, 1, "model", 0),
        ids.artifact_id(RUN_ID, RUN_ID, 1, "model", 0),
        ids.artifact_id(RUN_ID, TASK_ID, 2, "model", 0),
        ids.artifact_id(RUN_ID, TASK_ID, 1, "data", 0),
        ids.artifact_id(RUN_ID, TASK_ID, 1, "model", 1),
    ]
    assert len({first, *others}) == 6


def test_a_new_id_contains_the_current_time() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.new_id()
    after = time.time_ns() // 1_000_000
    assert before <= made.int >> 80 <= after
