"""Runs in the terminal: a live table while they go on, and what they made when they have ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headrace.client.comparison import Comparison, shown
from headrace.client.durations import duration
from headrace.client.html import remark
from headrace.client.resources import Run

_STYLES = {
    "SUCCEEDED": "green",
    "FAILED": "bold red",
    "CANCELED": "yellow",
    "CANCELING": "yellow",
    "PAUSED": "yellow",
    "WAITING": "yellow",
    "SKIPPED": "dim",
    "RUNNING": "cyan",
    "READY": "blue",
    "PENDING": "dim",
}
_MOST_ROWS = 40
"""A taller table does not fit a terminal; what is inside DAGs and loops is then left out."""


def follow(snapshots: Iterator[Run], url: str) -> Run:
    """Show a run until it has ended; returns how it ended."""
    with live() as told:
        for run in snapshots:
            told(run)
    report(run, url, table=not Console().is_terminal)
    return run


@contextmanager
def live() -> Iterator[Callable[[Run], None]]:
    """A function that is told of each state of a run, and shows it: in a terminal as a table that
    changes, else as a line for each change of a task."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as table:
            yield lambda run: table.update(_Ticking(run))
        return
    seen: dict[str, str] = {}

    def told(run: Run) -> None:
        for task in sorted(run.get("tasks") or [], key=_end):
            if seen.get(task["path"]) != task["state"]:
                seen[task["path"]] = task["state"]
                name = task["path"].partition("/")[2]
                console.print(f"{task['state']:<9}  {name}", highlight=False)

    yield told


def _end(task: dict[str, Any]) -> str:
    """When it ended, for an order; what goes on comes last."""
    return task.get("finished_at") or "~"


class _Ticking:
    """A run's table whose durations grow between two snapshots."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __rich__(self) -> Group:
        return _view(self._run)


def _view(run: Run) -> Group:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("step", "state", "duration", ""):
        table.add_column(heading, justify="right" if heading == "duration" else "left")
    tasks = run.get("tasks") or []
    if len(tasks) > _MOST_ROWS:
        tasks = [task for task in tasks if not task.get("parent_task_id")]
    for task in tasks[:_MOST_ROWS]:
        table.add_row(
            "  " * (task["path"].count("/") - 1) + task["display_name"],
            Text(task["state"], _STYLES.get(task["state"], "")),
            duration(task),
            Text(remark(task)[:80], "dim"),
        )
    head = Text.assemble(
        (run["display_name"], "bold"), "  ", (run["state"], _STYLES.get(run["state"], ""))
    )
    return Group(head, table)


def report(run: Run, url: str, *, table: bool = True) -> None:
    """Print how a run ended: errors, outputs, metrics, where its artifacts are, its page."""
    console = Console(highlight=False, soft_wrap=True)
    if table:
        console.print(_view(run))
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
        for made in task["outputs"]["artifacts"].values()
        for artifact in made
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
            shown = f"{value:.4f}" if isinstance(value, float) else value
            yield f"{name} = {shown}"
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


def side_by_side(found: Comparison, *, everything: bool = False) -> None:
    """Print runs beside each other; what is the same in all of them only with `everything`."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for run in found.runs:
        name = Text(run.display_name, "bold")
        head = Text.assemble(name, "\n", run.run_id, "\n", state(run.state))
        table.add_column(head, overflow="fold")
    rows = [row for row in found.rows if everything or row.differs or len(found.runs) == 1]
    for row in rows:
        style = "" if row.differs else "dim"
        values = [Text(shown(value), style, overflow="fold") for value in row.values]
        table.add_row(Text(f"{row.kind} {row.name}", style), *values)
    console = Console(highlight=False)
    console.print(table)
    if not rows:
        console.print("[dim]they do not differ in parameters, metrics or outputs[/dim]")


def state(word: str) -> Text:
    """A state in its color."""
    return Text(word, _STYLES.get(word, ""))
