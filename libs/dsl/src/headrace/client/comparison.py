"""Runs side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any

from headrace.client.resources import Run

_KINDS: tuple[tuple[str, Callable[[Run], dict[str, Any]]], ...] = (
    ("parameter", lambda run: run.parameters),
    ("metric", lambda run: dict(run.metrics)),
    ("output", lambda run: run.outputs),
)
MISSING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter, metric or output in each run; None where a run has none."""

    kind: str
    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether it is not the same in all runs."""
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs, and row by row what they were given and what came of them."""

    runs: tuple[Run, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Parameters, then metrics, then outputs, each by name."""
        return tuple(
            Row(kind, name, tuple(values.get(name) for values in told))
            for kind, read in _KINDS
            for told in [[read(run) for run in self.runs]]
            for name in sorted({name for values in told for name in values})
        )

    def frame(self) -> Any:
        """A ``pandas.DataFrame`` with a row a run.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = import_module("pandas")
        columns = {f"{row.kind}.{row.name}": row.values for row in self.rows}
        named = {"state": [run.state for run in self.runs], **columns}
        return pandas.DataFrame(named, index=[run.run_id for run in self.runs])

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "runs": [
                {"run_id": run.run_id, "display_name": run.display_name, "state": run.state}
                for run in self.runs
            ],
            "rows": [
                {
                    "kind": row.kind,
                    "name": row.name,
                    "values": list(row.values),
                    "differs": row.differs,
                }
                for row in self.rows
            ],
        }

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th style="text-align:left"><a href="{escape(run.link)}">'
            f"{escape(run.display_name)}</a><br/>{escape(run.state)}</th>"
            for run in self.runs
        )
        lines = "".join(
            f'<tr style="{"font-weight:600" if row.differs else "opacity:.65"}">'
            f'<td style="text-align:left">{row.kind}</td>'
            f'<td style="text-align:left">{escape(row.name)}</td>'
            + "".join(f'<td style="text-align:left">{escape(shown(v))}</td>' for v in row.values)
            + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr><th></th><th></th>{heads}</tr></thead>{lines}</table>"


def shown(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
