"""Fields of runs and tasks as short text, for tables in terminals and notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
MISSING = "–"


def duration(item: Mapping[str, Any]) -> str:
    """The duration of a run or task in seconds, such as ``3.2 s``; empty if it never started."""
    if not item.get("started_at"):
        return ""
    end = item.get("finished_at")
    if end is None and item["state"] in _FINAL:
        return ""
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return f"{(until - datetime.fromisoformat(item['started_at'])).total_seconds():.1f} s"


def value_text(value: Any) -> str:
    """A parameter, metric or output as the text of a table cell."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def remark(task: Mapping[str, Any]) -> str:
    """One line about a task, at most 120 characters: its detail, its error, or its cache hit."""
    error = (task.get("error") or {}).get("message", "")
    reused = "reused from an earlier execution" if task.get("origin") else ""
    text = task.get("detail") or error or reused
    return text.splitlines()[0][:120] if text else ""
