"""Logs on a full disk."""

from __future__ import annotations

import structlog
from headrace_runtime.logging import LossyOutput


def test_a_log_that_a_full_disk_has_no_room_for_raises_nothing() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        log = structlog.BytesLogger(LossyOutput(full))  # type: ignore[arg-type]
        for _ in range(3):
            log.msg(b"x" * 10_000)
