"""Parameters, metrics and outputs of several runs, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from headrace.client.resources import Run

_KINDS: tuple[tuple[str, Callable[[Run], dict[str, Any]]], ...] = (
    ("parameter", lambda run: run.parameters),
    ("metric", lambda run: dict(run.metrics)),
    ("output", lambda run: run.outputs),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter, metric or output with its value in each run; None if a run has none."""

    kind: str
    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the values are not all equal."""
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs, with a row for each of their parameters, metrics and outputs."""

    runs: tuple[Run, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Parameters, then metrics, then outputs, each sorted by name."""
        return tuple(
            Row(kind, name, tuple(values.get(name) for values in by_run))
            for kind, read in _KINDS
            for by_run in [[read(run) for run in self.runs]]
            for name in sorted({name for values in by_run for name in values})
        )

    def frame(self) -> Any:
        """A ``pandas.DataFrame`` with one row per run.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = import_module("pandas")
        columns = {f"{row.kind}.{row.name}": row.values for row in self.rows}
        named = {"state": [run.state for run in self.runs], **columns}
        return pandas.DataFrame(named, index=[run.run_id for run in self.runs])

    def as_json(self) -> dict[str, Any]:
        """The comparison as ``headrace run compare --json`` prints it."""
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
        from headrace.client.html.comparison import Column, Line, comparison_html

        return comparison_html(
            [Column(run.link, run.display_name, run.state) for run in self.runs],
            [Line(row.kind, row.name, row.values, row.differs) for row in self.rows],
        )
