"""Ids: random, time-ordered ones for new objects, and derived ones.

A derived id is the same in every process and after every crash, which makes a repeated decision
idempotent.
"""

from __future__ import annotations

import os
import time
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f2f1a4e-0d0b-5c6e-9c1b-6865616472ce")


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    return uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def uuid7(milliseconds: int, random: int) -> UUID:
    """The UUIDv7 of a time (Unix milliseconds) and at least 74 random bits."""
    low = random & ((1 << 62) - 1)
    middle = (random >> 62) & 0xFFF
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | middle << 64 | 0b10 << 62 | low
    return UUID(int=value)


def task_id(run_id: UUID, path: str) -> UUID:
    """The id of the task at `path` of a run's graph, such as ``root/train``."""
    return uuid5(run_id, path)


def artifact_id(run_id: UUID, task: UUID, attempt: int, output: str, index: int) -> UUID:
    """The id of the artifact at `index` of a task's output, as one attempt made it."""
    return uuid5(run_id, f"{task}/{attempt}/{output}/{index}")


def derived_event_id(*parts: object) -> UUID:
    """The id of an event that has the same cause, so that a repetition is dropped."""
    return uuid5(_NAMESPACE, "/".join(str(part) for part in parts))
