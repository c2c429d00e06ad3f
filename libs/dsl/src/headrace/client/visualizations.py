"""Visualizations of artifacts as Python objects: rendered by notebooks, readable as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.resources import Resource


class Visualization(Resource):
    """One visualization of an artifact. Its fields are those of the HTTP API for its type."""

    __slots__ = ()
    _identity = "artifact_id"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type} {self.title!r} of {self.path}>"

    @property
    def type(self) -> str:
        """``table``, ``confusion_matrix``, ``roc``, ``scalars``, ``markdown``, ``html``, or
        ``error`` if it cannot be shown."""
        return str(self["type"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self["title"])

    @property
    def path(self) -> str:
        """The path of its task in the run, without ``root/``."""
        return str(self["path"]).partition("/")[2]

    @property
    def output(self) -> str:
        """The name of the task's output that the artifact is."""
        return str(self["output"])

    @property
    def error(self) -> str | None:
        """Why it cannot be shown, after the field at fault; None if it can be shown."""
        from headrace.client.html.visualizations import error_text

        return error_text(self)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its values as dicts; a confusion matrix has one row per true class.

        Raises:
            ClientError: it has no rows: it is Markdown, HTML or an error (MALFORMED).
        """
        columns, rows = self._grid()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def frame(self) -> Any:
        """The rows as a ``pandas.DataFrame``.

        Raises:
            ClientError: as for `rows`.
            ImportError: pandas is not installed.
        """
        columns, rows = self._grid()
        return import_module("pandas").DataFrame(rows, columns=columns)

    def _grid(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        read = _GRIDS.get(self.type)
        if read is None:
            raise ClientError("MALFORMED", f"{self.title!r} is of type {self.type}, not a table")
        columns, rows = read(self)
        return list(columns), [tuple(row) for row in rows]

    def _repr_html_(self) -> str:
        from headrace.client.html.visualizations import visualization_html

        return visualization_html(self)


class Visualizations(Sequence[Visualization]):
    """The visualizations of a run or artifact, in the order of the graph."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._items = tuple(Visualization(one) for one in fields.get("visualizations") or ())
        self.truncated = bool(fields.get("truncated"))
        """Whether there are more; pass ``task_id`` to get those of one task."""

    def __getitem__(self, at: Any) -> Any:
        return self._items[at]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(list(self._items))

    def _repr_html_(self) -> str:
        from headrace.client.html.visualizations import visualizations_html

        return visualizations_html(self, truncated=self.truncated)


Grid = tuple[Iterable[str], Iterable[Iterable[Any]]]


def _table(fields: Mapping[str, Any]) -> Grid:
    """Columns that hold only numbers become numbers."""
    columns = [_numbers(column) for column in zip(*fields["rows"], strict=True)]
    return fields["columns"], zip(*columns, strict=True)


def _matrix(fields: Mapping[str, Any]) -> Grid:
    labels = fields["labels"]
    counts = zip(labels, fields["counts"], strict=True)
    return (fields["axes"][0], *labels), ((label, *row) for label, row in counts)


def _curve(fields: Mapping[str, Any]) -> Grid:
    names = ("fpr", "tpr", "threshold")
    return names, ([point[name] for name in names] for point in fields["points"])


def _scalars(fields: Mapping[str, Any]) -> Grid:
    return ("name", "value"), ((one["name"], one["value"]) for one in fields["scalars"])


_GRIDS: Mapping[str, Callable[[Mapping[str, Any]], Grid]] = {
    "table": _table,
    "confusion_matrix": _matrix,
    "roc": _curve,
    "scalars": _scalars,
}


def _numbers(column: Sequence[str]) -> Sequence[Any]:
    """The column as numbers, with None for empty cells; unchanged if a cell is no number."""
    if not any(column) or any("_" in text for text in column):  # int("1_000") is 1000 in Python
        return column
    for kind in (int, float):
        try:
            return [kind(text) if text else None for text in column]
        except ValueError:
            continue
    return column
