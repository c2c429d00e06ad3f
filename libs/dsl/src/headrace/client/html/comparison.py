"""A comparison of runs as an HTML table: a column for each run, values that differ in bold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from headrace.client.html.styles import LEFT
from headrace.client.text import value_text


class Column(NamedTuple):
    """The head of a run's column."""

    link: str
    name: str
    state: str


class Line(NamedTuple):
    """One parameter, metric or output with its value in each run."""

    kind: str
    name: str
    values: Sequence[Any]
    differs: bool


def comparison_html(columns: Iterable[Column], lines: Iterable[Line]) -> str:
    """The table."""
    heads = "".join(
        f'<th{LEFT}><a href="{escape(column.link)}">{escape(column.name)}</a><br/>'
        f"{escape(column.state)}</th>"
        for column in columns
    )
    rows = "".join(
        f'<tr style="{"font-weight:600" if line.differs else "opacity:.65"}">'
        f"<td{LEFT}>{line.kind}</td><td{LEFT}>{escape(line.name)}</td>"
        + "".join(f"<td{LEFT}>{escape(value_text(value))}</td>" for value in line.values)
        + "</tr>"
        for line in lines
    )
    return f"<table><thead><tr><th></th><th></th>{heads}</tr></thead>{rows}</table>"
