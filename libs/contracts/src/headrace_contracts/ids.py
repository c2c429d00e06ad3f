"""Identities: random time-ordered ones for what is new, derived ones for what must repeat.

A derived id gives the same answer in every process and after every crash, which is what makes a
repeated decision harmless.
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
    """The UUIDv7 of a moment (Unix milliseconds) and at least 74 random bits."""
    low = random & ((1 << 62) - 1)
    middle = (random >> 62) & 0xFFF
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | middle << 64 | 0b10 << 62 | low
    return UUID(int=value)


def task_id(run_id: UUID, path: str) -> UUID:
    """The task at `path` of a run's graph, for instance ``root/train``."""
    return uuid5(run_id, path)


def artifact_id(run_id: UUID, task: UUID, attempt: int, output: str, index: int) -> UUID:
    """The artifact at `index` of a task's output `output`, as one attempt made it."""
    return uuid5(run_id, f"{task}/{attempt}/{output}/{index}")


def derived_event_id(*parts: object) -> UUID:
    """The id of an event that the same cause must produce only once."""
    return uuid5(_NAMESPACE, "/".join(str(part) for part in parts))
