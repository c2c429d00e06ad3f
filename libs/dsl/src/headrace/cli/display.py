"""Prints runs to the terminal, with rich: their progress, results, and comparisons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headrace.client.comparison import Comparison
from headrace.client.resources import Run
from headrace.client.terminal import live, run_table, state_text
from headrace.client.text import value_text


def follow(states: Iterator[Run], url: str) -> Run:
    """Show a run's progress until it has ended, then its results. Returns the ended run."""
    with live() as update:
        for run in states:
            update(run)
    report(run, url, table=not Console().is_terminal)
    return run


def report(run: Run, url: str, *, table: bool = True) -> None:
    """Print a run: its tasks (with `table`), error, outputs, metrics, artifacts, and its page."""
    console = Console(highlight=False, soft_wrap=True)
    if table:
        console.print(run_table(run))
    if run.get("error"):
        console.print(Text(f"\n{run['error']['message']}", "red"))
    outputs = run["outputs"]["parameters"]
    if outputs:
        console.print("\n[dim]outputs[/dim]")
        for name, value in outputs.items():
            console.print(Text(f"  {name} = {value}"))
    artifacts = [
        (task["display_name"], artifact)
        for task in run.get("tasks") or []
        for outputs in task["outputs"]["artifacts"].values()
        for artifact in outputs
    ]
    _print_metrics(console, artifacts)
    if artifacts:
        console.print("\n[dim]artifacts[/dim]")
        for _, artifact in artifacts:
            if artifact["content"]["kind"] != "none":
                console.print(Text(f"  {artifact['uri']}"))
    console.print(Text(f"\n{url}/runs/{run['run_id']}", "bold"))


def _print_metrics(console: Console, artifacts: list[tuple[str, dict[str, Any]]]) -> None:
    lines = [
        line
        for step, artifact in artifacts
        for line in _metric_lines(artifact["type"].get("schemaTitle", ""), artifact["metadata"])
        for line in [f"  {step}: {line}"]
    ]
    if lines:
        console.print("\n[dim]metrics[/dim]")
        for line in lines:
            console.print(Text(line))


def _metric_lines(kind: str, metadata: dict[str, Any]) -> Iterator[str]:
    if kind == "system.Metrics":
        for name, value in metadata.items():
            text = f"{value:.4f}" if isinstance(value, float) else value
            yield f"{name} = {text}"
    matrix = metadata.get("confusionMatrix")
    if kind == "system.ClassificationMetrics" and matrix:
        labels = [spec["displayName"] for spec in matrix.get("annotationSpecs", [])]
        for label, row in zip(labels, matrix.get("rows", []), strict=False):
            counts = "  ".join(f"{count:>4g}" for count in row["row"])
            yield f"confusion  {label:>12} | {counts}"
    points = metadata.get("confidenceMetrics")
    if kind == "system.ClassificationMetrics" and points:
        yield f"ROC curve with {len(points)} points, area {_area(points):.4f}"


def _area(points: list[dict[str, Any]]) -> float:
    """The area under a ROC curve, by the trapezoidal rule."""
    curve = sorted((p.get("falsePositiveRate", 0), p.get("recall", 0)) for p in points)
    curve = [(0.0, 0.0), *curve, (1.0, 1.0)]
    pairs = itertools.pairwise(curve)
    return float(sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairs))


def side_by_side(comparison: Comparison, *, everything: bool = False) -> None:
    """Print runs side by side: the rows that differ, or all with `everything`."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for run in comparison.runs:
        name = Text(run.display_name, "bold")
        head = Text.assemble(name, "\n", run.run_id, "\n", state_text(run.state))
        table.add_column(head, overflow="fold")
    rows = [
        row for row in comparison.rows if everything or row.differs or len(comparison.runs) == 1
    ]
    for row in rows:
        style = "" if row.differs else "dim"
        values = [Text(value_text(value), style, overflow="fold") for value in row.values]
        table.add_row(Text(f"{row.kind} {row.name}", style), *values)
    console = Console(highlight=False)
    console.print(table)
    if not rows:
        console.print("[dim]no differences in parameters, metrics or outputs[/dim]")
