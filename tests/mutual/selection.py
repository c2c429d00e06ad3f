"""The sources that the tests run: a few that together have all constructs, and all that show what
executors of Python components do. Their names are committed, so that each is a separate test.

``make mutual ARGS=--select`` updates the selection.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.mutual.constructs import selection
from tests.mutual.sources import Source

_FILE = Path(__file__).with_name("selection.txt")
_ALWAYS = ("differential.executing.", "differential.failing.")


def committed() -> list[str]:
    """The names of the sources that the tests run."""
    return _FILE.read_text().split()


def chosen(executable: Sequence[Source]) -> list[str]:
    """The names of the sources that are to be run, of those that can be executed here."""
    always = [source for source in executable if source.name.startswith(_ALWAYS)]
    others = [source for source in executable if not source.name.startswith(_ALWAYS)]
    return [source.name for source in [*always, *selection(others)]]


def write(executable: Sequence[Source]) -> None:
    """Update the selection."""
    _FILE.write_text("".join(f"{name}\n" for name in chosen(executable)))
