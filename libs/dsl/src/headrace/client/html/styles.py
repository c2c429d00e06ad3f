"""Colors of states, and the building blocks that all HTML output shares."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from headrace.client.text import value_text

COLORS = {
    "SUCCEEDED": "#188038",
    "FAILED": "#c5221f",
    "CANCELED": "#b06000",
    "CANCELING": "#b06000",
    "PAUSED": "#b06000",
    "WAITING": "#b06000",
    "RUNNING": "#1a73e8",
    "READY": "#5f87c5",
}
NEUTRAL = "#80868b"
LEFT = ' style="text-align:left"'


def values_table(title: str, values: Iterable[tuple[str, Any]]) -> str:
    """A table of names and values, with an optional title; empty if there are no values."""
    rows = "".join(
        f"<tr><td{LEFT}>{escape(name)}</td><td{LEFT}>{escape(value_text(value))}</td></tr>"
        for name, value in values
    )
    if not rows:
        return ""
    head = f'<thead><tr><th{LEFT} colspan="2">{title}</th></tr></thead>' if title else ""
    return f"<table>{head}{rows}</table>"
