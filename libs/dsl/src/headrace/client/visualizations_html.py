"""Visualizations as HTML for a notebook, readable on a light and a dark ground.

What a step wrote becomes text; a page of HTML is put into a frame without an origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from headrace.client.comparison import shown
from headrace.client.html import COLORS, OTHER, values_html
from headrace.client.visualizations import Visualization, Visualizations

_AREA, _LEFT, _TOP, _BELOW = 240, 40, 12, 36
_MOST_ROWS = 100
_LEFT_ALIGNED = ' style="text-align:left"'


def visualization_html(one: Visualization) -> str:
    """One visualization, with its title."""
    more = '<div style="opacity:.7">There is more than is shown.</div>' if one["truncated"] else ""
    return (
        '<div style="margin:0 0 1em;overflow-x:auto">'
        f'<div><b>{escape(one.title)}</b> <span style="opacity:.7">{escape(one.path)}</span></div>'
        f"{_DRAWN.get(one.type, _error)(one)}{more}</div>"
    )


def visualizations_html(several: Visualizations) -> str:
    """All of them."""
    more = "<div>There are more: ask for those of one task.</div>" if several.truncated else ""
    return f"<div>{''.join(map(visualization_html, several))}{more}</div>"


def _table(one: Visualization) -> str:
    more = len(one["rows"]) - _MOST_ROWS
    rest = f"<div>and {more} more</div>" if more > 0 else ""
    heads = "".join(f"<th{_LEFT_ALIGNED}>{escape(name)}</th>" for name in one["columns"])
    lines = "".join(
        _row(f"<td{_LEFT_ALIGNED}>{escape(text)}</td>" for text in row)
        for row in one["rows"][:_MOST_ROWS]
    )
    return f"<table><thead>{_row([heads])}</thead>{lines}</table>{rest}"


def _matrix(one: Visualization) -> str:
    """Each cell with its share of its row, and a shade as deep as this."""
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


def _curve(one: Visualization) -> str:
    width, height = _LEFT + _AREA + 12, _TOP + _AREA + _BELOW

    def place(fpr: float, tpr: float) -> str:
        return f"{_LEFT + fpr * _AREA:g},{_TOP + (1 - tpr) * _AREA:g}"

    ticks = "".join(
        f'<text x="{_LEFT + tick * _AREA:g}" y="{_TOP + _AREA + 14}" text-anchor="middle">{tick:g}'
        f'</text><text x="{_LEFT - 5}" y="{_TOP + (1 - tick) * _AREA + 4:g}" text-anchor="end">'
        f"{tick:g}</text>"
        for tick in (0.0, 0.5, 1.0)
    )
    points = " ".join(place(point["fpr"], point["tpr"]) for point in one["points"])
    middle = _LEFT + _AREA / 2
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="ROC curve" font-size="11" fill="currentColor">'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_AREA}" height="{_AREA}" fill="none" '
        f'stroke="{OTHER}"/>{ticks}'
        f'<polyline points="{place(0, 0)} {place(1, 1)}" fill="none" stroke="{OTHER}" '
        f'stroke-dasharray="4 4"/>'
        f'<polyline points="{points}" fill="none" stroke="{COLORS["RUNNING"]}" stroke-width="2"/>'
        f'<text x="{middle:g}" y="{height - 4}" text-anchor="middle">false positive rate</text>'
        f'<text transform="translate(10 {_TOP + _AREA / 2:g}) rotate(-90)" text-anchor="middle">'
        f"true positive rate</text>"
        f'<text x="{_LEFT + _AREA - 8}" y="{_TOP + _AREA - 10}" text-anchor="end" '
        f'font-size="13">AUC {one["auc"]:.4f}</text></svg>'
    )


def _scalars(one: Visualization) -> str:
    def told(scalar: Mapping[str, Any]) -> str:
        value = scalar["value"]
        percent = scalar["format"] == "PERCENTAGE" and isinstance(value, int | float)
        return f"{value:.1%}" if percent else shown(value)

    return values_html("", [(scalar["name"], told(scalar)) for scalar in one["scalars"]])


def _markdown(one: Visualization) -> str:
    """As the gateway has rendered it, which leaves no HTML of the text's own in it."""
    if one["html"] is not None:
        return f"<div>{one['html']}</div>"
    return f'<pre style="white-space:pre-wrap">{escape(one["text"])}</pre>'


def _page(one: Visualization) -> str:
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(one["text"])}" '
        f'style="width:100%;height:420px;border:1px solid {OTHER};background:#fff"></iframe>'
    )


def _error(one: Visualization) -> str:
    return f'<div style="color:{COLORS["FAILED"]}">{escape(one.error or "")}</div>'


_DRAWN: Mapping[str, Callable[[Visualization], str]] = {
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
