"""The clock and the randomness of the simulation that runs."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from tests.simulation.loop import SimulatedLoop

START = datetime(2026, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The time of day."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def chance() -> random.Random:
    """Where everything random comes from."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop.chance
