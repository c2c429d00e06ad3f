"""Shows a run's progress while a caller waits for it: in a terminal, in a notebook, or not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from headrace.client.resources import Run

Show = Literal["terminal", "notebook", "none"]


@contextmanager
def progress(show: Show | None = None) -> Iterator[Callable[[Run], None]]:
    """A function to call with each new state of the run. Without `show`: as `detected`."""
    where = show or detected()
    if where == "terminal":
        from headrace.client.terminal import live

        with live() as update:
            yield update
    elif where == "notebook":
        yield _notebook()
    else:
        yield lambda run: None


def detected() -> Show:
    """Where the program runs."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        return "notebook"
    return "terminal" if sys.stdout is not None and sys.stdout.isatty() else "none"


def _notebook() -> Callable[[Run], None]:
    """A function that updates one output of the cell."""
    from importlib import import_module

    handles: list[Any] = []
    display = import_module("IPython.display").display

    def update(run: Run) -> None:
        if handles:
            handles[0].update(run)
        else:
            handles.append(display(run, display_id=True))

    return update
