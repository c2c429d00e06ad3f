"""A run as HTML: its graph as a drawing, its states, metrics, outputs, and a link to its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from headrace.client.comparison import shown
from headrace.client.durations import duration
from headrace.client.resources import Run

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
OTHER = "#80868b"
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 148, 38, 18, 30
_MOST_NODES = 60
"""A larger drawing says nothing; the table and the page do."""
_MOST_ROWS = 100


def run_html(run: Run) -> str:
    """The run for a notebook's output. Its words take the color of the text around it, to be
    readable on a light and a dark ground; a state's color is beside its word."""
    tasks = run.get("tasks") or []
    parts = [
        f'<div style="font-weight:600;font-size:1.1em">{escape(run.display_name)} '
        f"{_badge(run.state)} "
        f'<span style="font-weight:400;font-size:.85em">{escape(duration(run))}</span></div>',
        f'<div style="font-size:.85em;margin:2px 0 8px"><a href="{escape(run.link)}" '
        f'target="_blank" rel="noopener">{escape(run.link)}</a></div>',
    ]
    if run.error:
        style = "font-family:monospace;white-space:pre-wrap;padding:2px 8px;margin:0 0 10px"
        edge = f"border-left:3px solid {COLORS['FAILED']}"
        parts.append(f'<pre style="{style};{edge}">{escape(run.error)}</pre>')
    graph = _graph([task for task in tasks if not task.get("parent_task_id")])
    values = values_html("metrics", run.metrics.items())
    values += values_html("outputs", run.outputs.items()) + _steps(tasks)
    parts.append(
        '<div style="display:flex;flex-wrap:wrap;gap:8px 28px;align-items:flex-start">'
        f"{graph}<div>{values}</div></div>"
    )
    return f'<div class="headrace-run" style="font-family:sans-serif">{"".join(parts)}</div>'


def layers(tasks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The ids of tasks in rows, each below all that it depends on."""
    known = {task["task_id"]: task for task in tasks}
    depth: dict[str, int] = {}
    for task in tasks:  # each comes after those that it depends on
        above = [depth[one] for one in task.get("dependencies") or () if one in depth]
        depth[task["task_id"]] = max(above, default=-1) + 1
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for identity in known:
        rows[depth[identity]].append(identity)
    return rows


def edges_of(tasks: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Which task depends on which, without what follows from other edges."""
    behind: dict[str, set[str]] = {}
    found = []
    for task in tasks:  # each comes after those that it depends on
        needed = [one for one in task.get("dependencies") or () if one in behind]
        implied = {other for one in needed for other in behind[one]}
        found += [(one, task["task_id"]) for one in needed if one not in implied]
        behind[task["task_id"]] = implied | set(needed)
    return found


def _graph(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks or len(tasks) > _MOST_NODES:
        return ""
    rows = layers(tasks)
    widest = max(len(row) for row in rows)
    width = widest * (_WIDTH + _GAP_X) + _GAP_X
    height = len(rows) * (_HEIGHT + _GAP_Y) + 10
    places: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = (width - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for at, identity in enumerate(row):
            places[identity] = (left + at * (_WIDTH + _GAP_X), 5 + level * (_HEIGHT + _GAP_Y))
    edges = "".join(_edge(places[above], places[below]) for above, below in edges_of(tasks))
    nodes = "".join(_node(task, *places[task["task_id"]]) for task in tasks)
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="The graph of the run" style="max-width:100%">{edges}{nodes}</svg>'
    )


def _edge(above: tuple[float, float], below: tuple[float, float]) -> str:
    x1, y1 = above[0] + _WIDTH / 2, above[1] + _HEIGHT
    x2, y2 = below[0] + _WIDTH / 2, below[1]
    bend = _GAP_Y * 0.6
    return (
        f'<path d="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}" '
        f'fill="none" stroke="{OTHER}" stroke-width="1.4"/>'
    )


def _node(task: Mapping[str, Any], x: float, y: float) -> str:
    color = COLORS.get(task["state"], OTHER)
    name = str(task["display_name"])
    short = name if len(name) <= 20 else f"{name[:19]}…"
    title = f"{name}: {task['state']} {duration(task)}".rstrip()
    return (
        f"<g><title>{escape(title)}</title>"
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{color}" '
        f'fill-opacity=".14" stroke="{color}" stroke-width="1.5"/>'
        f'<text x="{x + 9:g}" y="{y + 16:g}" font-size="12" fill="currentColor">{escape(short)}'
        f'</text><text x="{x + 9:g}" y="{y + 31:g}" font-size="10" fill="currentColor">'
        f"{escape(task['state'])} {escape(duration(task))}</text></g>"
    )


def _badge(state: str) -> str:
    color = COLORS.get(state, OTHER)
    return (
        f'<span style="background:{color};color:#fff;border-radius:4px;padding:1px 7px;'
        f'font-size:.75em">{escape(state)}</span>'
    )


def values_html(title: str, values: Iterable[tuple[str, Any]]) -> str:
    """Values under their names, below a title if there is one."""
    left = ' style="text-align:left"'
    lines = "".join(
        f"<tr><td{left}>{escape(name)}</td><td{left}>{escape(shown(value))}</td></tr>"
        for name, value in values
    )
    if not lines:
        return ""
    head = f'<thead><tr><th{left} colspan="2">{title}</th></tr></thead>' if title else ""
    return f"<table>{head}{lines}</table>"


def _steps(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return ""
    left = "text-align:left"
    lines = "".join(
        f'<tr><td style="{left};padding-left:{0.5 + 1.2 * (task["path"].count("/") - 1):.1f}em">'
        f'{escape(task["display_name"])}</td><td style="{left}">'
        f'<span style="color:{COLORS.get(task["state"], OTHER)}">●</span> '
        f"{escape(task['state'])}</td><td>{escape(duration(task))}</td>"
        f'<td style="{left}">{escape(remark(task))}</td></tr>'
        for task in tasks[:_MOST_ROWS]
    )
    more = len(tasks) - _MOST_ROWS
    rest = f"<div>and {more} more</div>" if more > 0 else ""
    heads = "".join(f'<th style="{left}">{name}</th>' for name in ("step", "state", "time", ""))
    opened = "" if len(tasks) > 12 else ' open=""'
    return (
        f"<details{opened}><summary>{len(tasks)} steps</summary>"
        f"<table><thead><tr>{heads}</tr></thead>{lines}</table>{rest}</details>"
    )


def remark(task: Mapping[str, Any]) -> str:
    """What there is to say of a task, in at most 120 characters."""
    error = (task.get("error") or {}).get("message", "")
    taken = "taken from an earlier execution" if task.get("origin") else ""
    said = task.get("detail") or error or taken
    return said.splitlines()[0][:120] if said else ""
