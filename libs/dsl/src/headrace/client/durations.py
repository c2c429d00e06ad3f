"""How long something took, or has been going on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")


def duration(item: Mapping[str, Any]) -> str:
    """Of a run or task, in seconds: ``3.2 s``; empty where it never ran."""
    if not item.get("started_at"):
        return ""
    end = item.get("finished_at")
    if end is None and item["state"] in _FINAL:
        return ""
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return f"{(until - datetime.fromisoformat(item['started_at'])).total_seconds():.1f} s"
