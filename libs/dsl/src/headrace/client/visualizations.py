"""What runs show, as Python objects: a notebook draws them, and pandas takes their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.resources import Resource


class Visualization(Resource):
    """Something that an artifact shows. Its fields are those of the HTTP API, by its type."""

    __slots__ = ()
    _identity = "artifact_id"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type} {self.title!r} of {self.path}>"

    @property
    def type(self) -> str:
        """``table``, ``confusion_matrix``, ``roc``, ``scalars``, ``markdown``, ``html``, or
        ``error`` where something cannot be shown."""
        return str(self["type"])

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self["title"])

    @property
    def path(self) -> str:
        """Where its task stands in the graph, without ``root/``."""
        return str(self["path"]).partition("/")[2]

    @property
    def output(self) -> str:
        """The task's output that it is of."""
        return str(self["output"])

    @property
    def error(self) -> str | None:
        """Why it cannot be shown, and which field is at fault; None where it can."""
        field = self.get("field")
        return f"{field}: {self['message']}" if field else self.get("message")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its values, row by row; of a confusion matrix a row for each true class.

        Raises:
            ClientError: it is a text, a page or an error (MALFORMED).
        """
        columns, rows = self._grid()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def frame(self) -> Any:
        """The same as a ``pandas.DataFrame``.

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
        from headrace.client.visualizations_html import visualization_html

        return visualization_html(self)


class Visualizations(Sequence[Visualization]):
    """What a run or an artifact shows, in the order of the graph. A notebook draws them all."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._shown = tuple(Visualization(one) for one in answer.get("visualizations") or ())
        self.truncated = bool(answer.get("truncated"))
        """Whether there are more; those of one task can be asked for."""

    def __getitem__(self, at: Any) -> Any:
        return self._shown[at]

    def __len__(self) -> int:
        return len(self._shown)

    def __repr__(self) -> str:
        return repr(list(self._shown))

    def _repr_html_(self) -> str:
        from headrace.client.visualizations_html import visualizations_html

        return visualizations_html(self)


Grid = tuple[Iterable[str], Iterable[Iterable[Any]]]


def _table(shown: Mapping[str, Any]) -> Grid:
    """Columns of numbers as numbers."""
    columns = [_numbers(column) for column in zip(*shown["rows"], strict=True)]
    return shown["columns"], zip(*columns, strict=True)


def _matrix(shown: Mapping[str, Any]) -> Grid:
    labels = shown["labels"]
    counts = zip(labels, shown["counts"], strict=True)
    return (shown["axes"][0], *labels), ((label, *row) for label, row in counts)


def _curve(shown: Mapping[str, Any]) -> Grid:
    names = ("fpr", "tpr", "threshold")
    return names, ([point[name] for name in names] for point in shown["points"])


def _scalars(shown: Mapping[str, Any]) -> Grid:
    return ("name", "value"), ((one["name"], one["value"]) for one in shown["scalars"])


_GRIDS: Mapping[str, Callable[[Mapping[str, Any]], Grid]] = {
    "table": _table,
    "confusion_matrix": _matrix,
    "roc": _curve,
    "scalars": _scalars,
}


def _numbers(column: Sequence[str]) -> Sequence[Any]:
    """A column of numbers as numbers, None where it is empty; another one as it is."""
    if not any(column) or any("_" in text for text in column):  # Python alone reads 1_000
        return column
    for kind in (int, float):
        try:
            return [kind(text) if text else None for text in column]
        except ValueError:
            continue
    return column
