"""Visualizations as HTML for a notebook, readable in light and dark themes.

Text from steps is escaped. An HTML page is shown in a sandboxed frame without an origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from headrace.client.html.styles import COLORS, LEFT, NEUTRAL, values_table
from headrace.client.text import value_text

Fields = Mapping[str, Any]
"""A visualization with the fields of the HTTP API."""

_AREA, _MARGIN, _TOP, _BELOW = 240, 40, 12, 36
"""Pixels of the ROC curve's plot area, and its left, top and bottom margins."""
_MOST_ROWS = 100


def visualization_html(one: Fields) -> str:
    """One visualization with its title and the path of its task."""
    title, path = escape(one["title"]), escape(one["path"].partition("/")[2])
    more = '<div style="opacity:.7">Truncated: not all of it is shown.</div>'
    return (
        '<div style="margin:0 0 1em;overflow-x:auto">'
        f'<div><b>{title}</b> <span style="opacity:.7">{path}</span></div>'
        f"{_RENDERERS.get(one['type'], _error)(one)}{more if one['truncated'] else ''}</div>"
    )


def visualizations_html(several: Iterable[Fields], *, truncated: bool) -> str:
    """Several visualizations; `truncated` adds a note that there are more."""
    more = "<div>There are more. Pass task_id to get those of one task.</div>" if truncated else ""
    return f"<div>{''.join(map(visualization_html, several))}{more}</div>"


def error_text(one: Fields) -> str | None:
    """Why it cannot be shown, after the field at fault; None if it can be shown."""
    field, message = one.get("field"), one.get("message")
    return f"{field}: {message}" if field else message


def _table(one: Fields) -> str:
    more = len(one["rows"]) - _MOST_ROWS
    rest = f"<div>and {more} more</div>" if more > 0 else ""
    heads = "".join(f"<th{LEFT}>{escape(name)}</th>" for name in one["columns"])
    lines = "".join(
        _row(f"<td{LEFT}>{escape(text)}</td>" for text in row) for row in one["rows"][:_MOST_ROWS]
    )
    return f"<table><thead>{_row([heads])}</thead>{lines}</table>{rest}"


def _matrix(one: Fields) -> str:
    """Each cell has its count and its share of the row, which is also its shade."""
    labels = [escape(label) for label in one["labels"]]
    rows, columns = (escape(axis) for axis in one["axes"])
    lines = "".join(
        _row([f"<th>{label}</th>", *(_cell(count, total) for count in counts)])
        for label, counts, total in zip(labels, one["counts"], one["totals"], strict=True)
    )
    top = _row([f"<th>{rows} ↓</th>", f'<th colspan="{len(labels)}">{columns} →</th>'])
    heads = _row(["<th></th>", *(f"<th>{label}</th>" for label in labels)])
    return f"<table><thead>{top}{heads}</thead>{lines}</table>"


def _cell(count: float, total: float) -> str:
    share = count / total if total else 0.0
    blue = ",".join(str(int(COLORS["RUNNING"][at : at + 2], 16)) for at in (1, 3, 5))
    return (
        f'<td style="background:rgba({blue},{0.04 + share * 0.6:.2f})">{count:g}<br/>'
        f"<small>{share:.1%}</small></td>"
    )


def _curve(one: Fields) -> str:
    width, height = _MARGIN + _AREA + 12, _TOP + _AREA + _BELOW

    def point_at(fpr: float, tpr: float) -> str:
        return f"{_MARGIN + fpr * _AREA:g},{_TOP + (1 - tpr) * _AREA:g}"

    ticks = "".join(
        f'<text x="{_MARGIN + tick * _AREA:g}" y="{_TOP + _AREA + 14}" text-anchor="middle">'
        f"{tick:g}</text>"
        f'<text x="{_MARGIN - 5}" y="{_TOP + (1 - tick) * _AREA + 4:g}" text-anchor="end">'
        f"{tick:g}</text>"
        for tick in (0.0, 0.5, 1.0)
    )
    points = " ".join(point_at(point["fpr"], point["tpr"]) for point in one["points"])
    middle = _MARGIN + _AREA / 2
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="ROC curve" font-size="11" fill="currentColor">'
        f'<rect x="{_MARGIN}" y="{_TOP}" width="{_AREA}" height="{_AREA}" fill="none" '
        f'stroke="{NEUTRAL}"/>{ticks}'
        f'<polyline points="{point_at(0, 0)} {point_at(1, 1)}" fill="none" stroke="{NEUTRAL}" '
        f'stroke-dasharray="4 4"/>'
        f'<polyline points="{points}" fill="none" stroke="{COLORS["RUNNING"]}" stroke-width="2"/>'
        f'<text x="{middle:g}" y="{height - 4}" text-anchor="middle">false positive rate</text>'
        f'<text transform="translate(10 {_TOP + _AREA / 2:g}) rotate(-90)" text-anchor="middle">'
        f"true positive rate</text>"
        f'<text x="{_MARGIN + _AREA - 8}" y="{_TOP + _AREA - 10}" text-anchor="end" '
        f'font-size="13">AUC {one["auc"]:.4f}</text></svg>'
    )


def _scalars(one: Fields) -> str:
    def text(scalar: Mapping[str, Any]) -> str:
        value = scalar["value"]
        percent = scalar["format"] == "PERCENTAGE" and isinstance(value, int | float)
        return f"{value:.1%}" if percent else value_text(value)

    return values_table("", [(scalar["name"], text(scalar)) for scalar in one["scalars"]])


def _markdown(one: Fields) -> str:
    """The gateway's rendering, in which HTML of the text is escaped; without it, the text."""
    if one["html"] is not None:
        return f"<div>{one['html']}</div>"
    return f'<pre style="white-space:pre-wrap">{escape(one["text"])}</pre>'


def _page(one: Fields) -> str:
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(one["text"])}" '
        f'style="width:100%;height:420px;border:1px solid {NEUTRAL};background:#fff"></iframe>'
    )


def _error(one: Fields) -> str:
    return f'<div style="color:{COLORS["FAILED"]}">{escape(error_text(one) or "")}</div>'


_RENDERERS: Mapping[str, Callable[[Fields], str]] = {
    "table": _table,
    "confusion_matrix": _matrix,
    "roc": _curve,
    "scalars": _scalars,
    "markdown": _markdown,
    "html": _page,
    "error": _error,
}


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"
