"""A run as HTML: state, graph, metrics, outputs, tasks, and a link to its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from headrace.client.html.graph import graph_svg
from headrace.client.html.styles import COLORS, LEFT, NEUTRAL, values_table
from headrace.client.text import duration, remark

_MOST_ROWS = 100
_OPEN_ROWS = 12
"""A longer list of steps is collapsed at first."""


def run_html(run: Mapping[str, Any], link: str) -> str:
    """A run with the fields of the HTTP API as a notebook output. `link` is the run's page.

    Text inherits the notebook's color, so that it is readable in light and dark themes; a state's
    color is shown beside its name.
    """
    tasks = run.get("tasks") or []
    parts = [
        '<div style="font-weight:600;font-size:1.1em">'
        f"{escape(str(run.get('display_name') or ''))} {_badge(str(run['state']))} "
        f'<span style="font-weight:400;font-size:.85em">{escape(duration(run))}</span></div>',
        f'<div style="font-size:.85em;margin:2px 0 8px"><a href="{escape(link)}" '
        f'target="_blank" rel="noopener">{escape(link)}</a></div>',
    ]
    if error := (run.get("error") or {}).get("message"):
        style = "font-family:monospace;white-space:pre-wrap;padding:2px 8px;margin:0 0 10px"
        edge = f"border-left:3px solid {COLORS['FAILED']}"
        parts.append(f'<pre style="{style};{edge}">{escape(error)}</pre>')
    graph = graph_svg([task for task in tasks if not task.get("parent_task_id")])
    outputs = (run.get("outputs") or {}).get("parameters") or {}
    values = values_table("metrics", (run.get("metrics") or {}).items())
    values += values_table("outputs", outputs.items()) + _steps(tasks)
    parts.append(
        '<div style="display:flex;flex-wrap:wrap;gap:8px 28px;align-items:flex-start">'
        f"{graph}<div>{values}</div></div>"
    )
    return f'<div class="headrace-run" style="font-family:sans-serif">{"".join(parts)}</div>'


def _badge(state: str) -> str:
    color = COLORS.get(state, NEUTRAL)
    return (
        f'<span style="background:{color};color:#fff;border-radius:4px;padding:1px 7px;'
        f'font-size:.75em">{escape(state)}</span>'
    )


def _steps(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return ""
    rows = "".join(_step(task) for task in tasks[:_MOST_ROWS])
    more = len(tasks) - _MOST_ROWS
    rest = f"<div>and {more} more</div>" if more > 0 else ""
    heads = "".join(f"<th{LEFT}>{name}</th>" for name in ("step", "state", "time", ""))
    opened = "" if len(tasks) > _OPEN_ROWS else ' open=""'
    return (
        f"<details{opened}><summary>{len(tasks)} steps</summary>"
        f"<table><thead><tr>{heads}</tr></thead>{rows}</table>{rest}</details>"
    )


def _step(task: Mapping[str, Any]) -> str:
    indent = 0.5 + 1.2 * (task["path"].count("/") - 1)
    return (
        f'<tr><td style="text-align:left;padding-left:{indent:.1f}em">'
        f"{escape(task['display_name'])}</td><td{LEFT}>"
        f'<span style="color:{COLORS.get(task["state"], NEUTRAL)}">●</span> '
        f"{escape(task['state'])}</td><td>{escape(duration(task))}</td>"
        f"<td{LEFT}>{escape(remark(task))}</td></tr>"
    )
