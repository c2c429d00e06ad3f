"""Charts from untrusted values: validated and within size limits.

A chart has only its own values. The viewer's caller adds the artifact and task to which it belongs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from headrace_ui_gateway.visualizations.models import RocPoint, Scalar

MAX_ROWS = 1000
MAX_COLUMNS = 100
MAX_LABELS = 100
MAX_POINTS = 1000
MAX_SCALARS = 1000
LONGEST_CELL = 1000
LONGEST_TEXT = 100_000

MATRIX_TITLE, ROC_TITLE = "confusion matrix", "ROC curve"
Format = Literal["RAW", "PERCENTAGE"]


class FaultError(ValueError):
    """Why something cannot be shown. `field` is the dotted path of the fault."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Chart(NamedTuple):
    """A visualization's type and values. The default title is the name of the output."""

    type: str
    values: Mapping[str, Any]
    title: str = ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Chart:
    """A table. Cells beyond the header are in columns without a name."""
    wide = max(map(len, (columns, *rows)))
    width = min(wide, MAX_COLUMNS)
    shown = [[*row, *("" for _ in range(width - len(row)))][:width] for row in rows[:MAX_ROWS]]
    cells = [*columns, *(cell for row in shown for cell in row)]
    truncated = (
        len(rows) > MAX_ROWS
        or wide > MAX_COLUMNS
        or any(len(cell) > LONGEST_CELL for cell in cells)
    )
    names = [*columns, *("" for _ in range(width - len(columns)))][:width]
    return Chart(
        "table",
        {
            "columns": tuple(name[:LONGEST_CELL] for name in names),
            "rows": tuple(tuple(cell[:LONGEST_CELL] for cell in row) for row in shown),
            "truncated": truncated,
        },
    )


def confusion_matrix(
    labels: Sequence[str],
    cells: Iterable[tuple[int, int, float]],
    axes: tuple[str, str] = ("target", "predicted"),
) -> Chart:
    """A matrix with a row and a column for each label. A cell is (row, column, count); missing
    cells are 0."""
    size = min(len(labels), MAX_LABELS)
    counts = [[0.0] * size for _ in range(size)]
    totals = [0.0] * size
    for row, column, number in cells:
        if row < size:
            totals[row] += number
            if column < size:
                counts[row][column] += number
    return Chart(
        "confusion_matrix",
        {
            "labels": tuple(label[:LONGEST_CELL] for label in labels[:size]),
            "counts": tuple(map(tuple, counts)),
            "totals": tuple(totals),
            "axes": tuple(axis[:LONGEST_CELL] for axis in axes),
            "truncated": len(labels) > size,
        },
    )


def roc(given: Iterable[tuple[float, float, float | None]]) -> Chart:
    """An ROC curve through points (false positive rate, true positive rate, threshold) in any
    order.

    Raises:
        FaultError: there are no points.
    """
    points = sorted(given, key=lambda point: point[:2])
    if not points:
        raise FaultError("the curve has no points")
    return Chart(
        "roc",
        {
            "points": tuple(
                RocPoint(fpr=fpr, tpr=tpr, threshold=_finite(threshold))
                for fpr, tpr, threshold in _thinned(points)
            ),
            "auc": _area([(fpr, tpr) for fpr, tpr, _ in points]),
            "truncated": len(points) > MAX_POINTS,
        },
    )


def scalars(values: Sequence[tuple[str, Any, Format]]) -> Chart:
    """Named values."""
    shown = tuple(
        Scalar(name=name[:LONGEST_CELL], value=_scalar(value), format=form)
        for name, value, form in values[:MAX_SCALARS]
    )
    return Chart("scalars", {"scalars": shown, "truncated": len(values) > MAX_SCALARS})


def markdown(text: str) -> Chart:
    """A Markdown text."""
    return Chart("markdown", {"text": text[:LONGEST_TEXT], "truncated": len(text) > LONGEST_TEXT})


def html(text: str) -> Chart:
    """An HTML page, never truncated."""
    return Chart("html", {"text": text})


def rate(value: Any, field: str) -> float:
    """A number from 0 to 1.

    Raises:
        FaultError: the value is not.
    """
    found = number(value, field)
    if not 0 <= found <= 1:
        raise FaultError(f"{found:g} is not a rate from 0 to 1", field)
    return found


def count(value: Any, field: str) -> float:
    """A count: a finite number that is not negative.

    Raises:
        FaultError: the value is not.
    """
    found = number(value, field)
    if not 0 <= found < math.inf:
        raise FaultError(f"{shown(value)} is not a count", field)
    return found


def number(value: Any, field: str) -> float:
    """A number, or a string that contains one; it may be infinite.

    Raises:
        FaultError: the value is not a number.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            pass
        else:
            if not math.isnan(found):
                return found
    raise FaultError(f"{shown(value)} is not a number", field)


def shown(value: Any) -> str:
    """A value in an error message: its JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _scalar(value: Any) -> bool | int | float | str:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= 2**53):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_CELL]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _thinned(points: Sequence[tuple[float, float, float | None]]) -> list[Any]:
    """At most `MAX_POINTS` of the points, with the first and the last."""
    if len(points) <= MAX_POINTS:
        return list(points)
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(at * step)] for at in range(MAX_POINTS)]


def _area(curve: Sequence[tuple[float, float]]) -> float:
    """The area under a curve from (0, 0) to (1, 1), by the trapezoidal rule."""
    whole = [(0.0, 0.0), *curve, (1.0, 1.0)]
    pairs = pairwise(whole)
    return math.fsum((right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in pairs)


def member(value: Any, key: str, field: str) -> Any:
    """A member of an object.

    Raises:
        FaultError: the value is not an object, or has no such member.
    """
    if not isinstance(value, Mapping):
        raise FaultError(f"{shown(value)} is not an object", field)
    found = value.get(key)
    if found is None:
        raise FaultError("missing", f"{field}.{key}")
    return found
