"""A run's graph as SVG: its tasks in layers, with an edge for each dependency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from headrace.client.html.styles import COLORS, NEUTRAL
from headrace.client.text import duration

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 148, 38, 18, 30
_MOST_NODES = 60
"""A larger drawing is unreadable; the table and the run's page remain."""


def graph_svg(tasks: Sequence[Mapping[str, Any]]) -> str:
    """The SVG of tasks in topological order; empty for no tasks or more than 60."""
    if not tasks or len(tasks) > _MOST_NODES:
        return ""
    rows = layers(tasks)
    widest = max(len(row) for row in rows)
    width = widest * (_WIDTH + _GAP_X) + _GAP_X
    height = len(rows) * (_HEIGHT + _GAP_Y) + 10
    positions: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = (width - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for column, task_id in enumerate(row):
            positions[task_id] = (
                left + column * (_WIDTH + _GAP_X),
                5 + level * (_HEIGHT + _GAP_Y),
            )
    edges = "".join(_edge(positions[above], positions[below]) for above, below in edges_of(tasks))
    nodes = "".join(_node(task, *positions[task["task_id"]]) for task in tasks)
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="The graph of the run" style="max-width:100%">{edges}{nodes}</svg>'
    )


def layers(tasks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Task ids in rows, each row below all tasks that its tasks depend on."""
    depth: dict[str, int] = {}
    for task in tasks:  # in topological order
        above = [depth[one] for one in task.get("dependencies") or () if one in depth]
        depth[task["task_id"]] = max(above, default=-1) + 1
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for task_id, row in depth.items():
        rows[row].append(task_id)
    return rows


def edges_of(tasks: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Dependencies as pairs of task ids, without those that follow from other edges."""
    ancestors: dict[str, set[str]] = {}
    edges = []
    for task in tasks:  # in topological order
        needed = [one for one in task.get("dependencies") or () if one in ancestors]
        implied = {other for one in needed for other in ancestors[one]}
        edges += [(one, task["task_id"]) for one in needed if one not in implied]
        ancestors[task["task_id"]] = implied | set(needed)
    return edges


def _edge(above: tuple[float, float], below: tuple[float, float]) -> str:
    x1, y1 = above[0] + _WIDTH / 2, above[1] + _HEIGHT
    x2, y2 = below[0] + _WIDTH / 2, below[1]
    bend = _GAP_Y * 0.6
    return (
        f'<path d="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}" '
        f'fill="none" stroke="{NEUTRAL}" stroke-width="1.4"/>'
    )


def _node(task: Mapping[str, Any], x: float, y: float) -> str:
    color = COLORS.get(task["state"], NEUTRAL)
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
