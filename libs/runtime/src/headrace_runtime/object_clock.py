"""Signs requests to the object store by the store's clock.

A store refuses a signature whose time differs by more than 15 minutes from its own. A service whose
clock is wrong could then neither read nor write, so the difference is taken from the store's
responses.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from headrace_runtime.logging import get_logger

_TOLERATED = timedelta(minutes=1)
"""The store's times have whole seconds, and a response may be on its way for some of them."""
_REFUSED = "RequestTimeTooSkewed"


class StoreClock:
    """The store's clock, as far as its responses have shown it."""

    def __init__(self) -> None:
        self._difference = timedelta()

    def install(self, client: Any) -> None:
        """Let a client of botocore learn from each response, and sign by this clock. There is one
        object store for each process, so that botocore's own clock can be replaced."""
        from botocore import auth

        client.meta.events.register_first("needs-retry.s3", self._learn)
        auth.get_current_datetime = self.time  # type: ignore[attr-defined]

    def time(self, remove_tzinfo: bool = True) -> datetime:
        """The time, as botocore asks for it."""
        now = _local_time() + self._difference
        return now.replace(tzinfo=None) if remove_tzinfo else now

    def _learn(self, response: Any = None, **_: Any) -> float | None:
        """Take the time from a response; the pause before a retry if it refused a signature's."""
        if response is None:
            return None
        answered, parsed = response
        difference = _difference(answered.headers.get("date"))
        if difference is None or abs(difference - self._difference) < _TOLERATED:
            return None
        self._difference = difference if abs(difference) >= _TOLERATED else timedelta()
        get_logger().warning(
            "clock_differs_from_object_store", seconds=round(difference.total_seconds())
        )
        return 0.0 if parsed.get("Error", {}).get("Code") == _REFUSED else None


def _difference(date: str | None) -> timedelta | None:
    """By how much the store is ahead of this process, from a response's Date header."""
    try:
        return parsedate_to_datetime(date or "") - _local_time()
    except (TypeError, ValueError):
        return None


def _local_time() -> datetime:
    return datetime.now(UTC)
