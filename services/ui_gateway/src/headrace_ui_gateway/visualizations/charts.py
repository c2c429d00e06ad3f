"""Visualizations from values, whoever told them: within limits, and only what makes sense.

A chart is made of its own values alone; where it belongs (`Visualization`'s fields) is told by who
made it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from headrace_ui_gateway.visualizations.models import RocPoint, Scalar

MOST_ROWS = 1000
MOST_COLUMNS = 100
MOST_LABELS = 100
MOST_POINTS = 1000
MOST_SCALARS = 1000
LONGEST_CELL = 1000
LONGEST_TEXT = 100_000

MATRIX_TITLE, ROC_TITLE = "confusion matrix", "ROC curve"
Format = Literal["RAW", "PERCENTAGE"]


class FaultError(ValueError):
    """Why something cannot be shown. `field` is the dotted place at fault."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Chart(NamedTuple):
    """A visualization's type and own values; without a `title` it has that of its output."""

    type: str
    values: Mapping[str, Any]
    title: str = ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Chart:
    """A table; a row that is longer than its header has columns without a name."""
    wide = max(map(len, (columns, *rows)))
    width = min(wide, MOST_COLUMNS)
    shown = [[*row, *("" for _ in range(width - len(row)))][:width] for row in rows[:MOST_ROWS]]
    cells = [*columns, *(cell for row in shown for cell in row)]
    truncated = (
        len(rows) > MOST_ROWS
        or wide > MOST_COLUMNS
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
    """A matrix with a row and a column for each label. A cell is (row, column, count); those that
    are left out are 0."""
    size = min(len(labels), MOST_LABELS)
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


def roc(readings: Iterable[tuple[float, float, float | None]]) -> Chart:
    """A curve through (false positive rate, true positive rate, threshold), in any order.

    Raises:
        FaultError: there is none.
    """
    points = sorted(readings, key=lambda point: point[:2])
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
            "truncated": len(points) > MOST_POINTS,
        },
    )


def scalars(values: Sequence[tuple[str, Any, Format]]) -> Chart:
    """Values under their names."""
    told = tuple(
        Scalar(name=name[:LONGEST_CELL], value=_scalar(value), format=form)
        for name, value, form in values[:MOST_SCALARS]
    )
    return Chart("scalars", {"scalars": told, "truncated": len(values) > MOST_SCALARS})


def markdown(text: str) -> Chart:
    """A text in Markdown."""
    return Chart("markdown", {"text": text[:LONGEST_TEXT], "truncated": len(text) > LONGEST_TEXT})


def html(text: str) -> Chart:
    """A page, which is whole: the first half of one may be anything."""
    return Chart("html", {"text": text})


def rate(value: Any, field: str) -> float:
    """A number from 0 to 1.

    Raises:
        FaultError: it is none.
    """
    found = number(value, field)
    if not 0 <= found <= 1:
        raise FaultError(f"{found:g} is no rate, which is from 0 to 1", field)
    return found


def count(value: Any, field: str) -> float:
    """How often something was, a finite number that is not negative.

    Raises:
        FaultError: it is none.
    """
    found = number(value, field)
    if not 0 <= found < math.inf:
        raise FaultError(f"{shown(value)} is no count", field)
    return found


def number(value: Any, field: str) -> float:
    """A number, or the text of one; infinite where it is told so.

    Raises:
        FaultError: it is none.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            pass
        else:
            if not math.isnan(found):
                return found
    raise FaultError(f"{shown(value)} is no number", field)


def shown(value: Any) -> str:
    """A value in a sentence."""
    told = json.dumps(value, ensure_ascii=False, default=str)
    return told if len(told) <= 60 else f"{told[:59]}…"


def _scalar(value: Any) -> bool | int | float | str:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= 2**53):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_CELL]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _thinned(points: Sequence[tuple[float, float, float | None]]) -> list[Any]:
    """As many as may be told, the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(at * step)] for at in range(MOST_POINTS)]


def _area(curve: Sequence[tuple[float, float]]) -> float:
    """By trapezoids, from (0, 0) to (1, 1)."""
    whole = [(0.0, 0.0), *curve, (1.0, 1.0)]
    pairs = pairwise(whole)
    return math.fsum((right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in pairs)


def member(value: Any, key: str, field: str) -> Any:
    """A member of an object.

    Raises:
        FaultError: it is no object, or has none.
    """
    if not isinstance(value, Mapping):
        raise FaultError(f"{shown(value)} is no object", field)
    found = value.get(key)
    if found is None:
        raise FaultError("it is missing", f"{field}.{key}")
    return found
