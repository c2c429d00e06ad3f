"""Shows a run in a terminal, with rich: a table of its tasks that updates as the run changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headrace.client.resources import Run
from headrace.client.text import duration, remark

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
"""A taller table does not fit a terminal; tasks inside DAGs and loops are then left out."""


@contextmanager
def live() -> Iterator[Callable[[Run], None]]:
    """A function to call with each new state of a run. A terminal shows a table that updates;
    other outputs get a line for each task that changed its state."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as table:
            yield lambda run: table.update(_Ticking(run))
        return
    states: dict[str, str] = {}

    def update(run: Run) -> None:
        for task in sorted(run.get("tasks") or [], key=_finished_at):
            if states.get(task["path"]) != task["state"]:
                states[task["path"]] = task["state"]
                name = task["path"].partition("/")[2]
                console.print(f"{task['state']:<9}  {name}", highlight=False)

    yield update


def run_table(run: Run) -> Group:
    """A run's name and state above a table of its tasks."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("step", "state", "duration", ""):
        table.add_column(heading, justify="right" if heading == "duration" else "left")
    tasks = run.get("tasks") or []
    if len(tasks) > _MOST_ROWS:
        tasks = [task for task in tasks if not task.get("parent_task_id")]
    for task in tasks[:_MOST_ROWS]:
        table.add_row(
            "  " * (task["path"].count("/") - 1) + task["display_name"],
            state_text(task["state"]),
            duration(task),
            Text(remark(task)[:80], "dim"),
        )
    head = Text.assemble((run["display_name"], "bold"), "  ", state_text(run["state"]))
    return Group(head, table)


def state_text(state: str) -> Text:
    """A state in its color."""
    return Text(state, _STYLES.get(state, ""))


class _Ticking:
    """A run's table, rendered at each refresh, so that durations grow between updates."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __rich__(self) -> Group:
        return run_table(self._run)


def _finished_at(task: dict[str, Any]) -> str:
    """Sorts tasks by when they ended; those that have not come last."""
    return task.get("finished_at") or "~"
