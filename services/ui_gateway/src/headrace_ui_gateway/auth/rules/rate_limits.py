"""How often somebody may ask: a token bucket each, and room for a bounded number of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a bucket fills, and how much it holds."""

    per_second: float
    burst: int


class Buckets:
    """A bucket for each key. The one that was not used for longest makes room for a new one: it is
    full by then, or its owner is given a little more than is his."""

    def __init__(self, rate: Rate, capacity: int) -> None:
        self._rate = rate
        self._capacity = capacity
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Take one from a bucket at a moment (seconds). Gives 0, or in how many seconds there is
        one to take."""
        held, since = self._buckets.get(key, (float(self._rate.burst), now))
        held = min(self._rate.burst, held + max(0.0, now - since) * self._rate.per_second)
        wait = 0.0 if held >= 1 else (1 - held) / self._rate.per_second
        self._buckets[key] = (held - 1 if held >= 1 else held, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return wait
