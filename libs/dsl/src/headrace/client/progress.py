"""How a run goes on, shown while one waits for it: in a terminal, in a notebook, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from headrace.client.resources import Run

Show = Literal["terminal", "notebook", "none"]


@contextmanager
def progress(show: Show | None = None) -> Iterator[Callable[[Run], None]]:
    """A function that is told of each state of the run."""
    where = show or _here()
    if where == "terminal":
        from headrace.cli.display import live

        with live() as told:
            yield told
    elif where == "notebook":
        yield _notebook()
    else:
        yield lambda run: None


def _here() -> Show:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        return "notebook"
    return "terminal" if sys.stdout is not None and sys.stdout.isatty() else "none"


def _notebook() -> Callable[[Run], None]:
    """Updates one output of the cell."""
    from importlib import import_module

    handles: list[Any] = []
    display = import_module("IPython.display").display

    def told(run: Run) -> None:
        if handles:
            handles[0].update(run)
        else:
            handles.append(display(run, display_id=True))

    return told
