"""Viewers of the files that steps of KFP version 1 write for visualization.

Source: KFP 1.8, "Visualize Results in the Pipelines UI" and "Pipelines Metrics".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from headrace_contracts.values import Artifact
from pydantic_core import from_json

from headrace_ui_gateway.visualizations import charts
from headrace_ui_gateway.visualizations.artifacts import (
    Content,
    Read,
    Reading,
    Shown,
    mark_truncated,
    markdown_of,
    sequence,
)
from headrace_ui_gateway.visualizations.charts import Chart, FaultError

MAX_OUTPUTS = 100
_MAX_ADDRESS_LENGTH = 2000


def ui_metadata(artifact: Artifact) -> Reading[Shown]:
    """``mlpipeline-ui-metadata.json``: a list of visualizations."""
    shown: list[Chart | FaultError] = []
    outputs = _list_in((yield Read()), "outputs")
    for at, output in enumerate(outputs[:MAX_OUTPUTS]):
        field = f"outputs.{at}"
        try:
            shown.append((yield from _output(output, field)))
        except FaultError as fault:
            shown.append(FaultError(str(fault), fault.field or field))
    if len(outputs) > MAX_OUTPUTS:
        message = f"only the first {MAX_OUTPUTS} of {len(outputs)} outputs are shown"
        shown.append(FaultError(message, "outputs"))
    return shown


def metrics_file(artifact: Artifact) -> Reading[Shown]:
    """``mlpipeline-metrics.json``: numbers with their formats."""
    values: list[tuple[str, Any, charts.Format]] = []
    faults: list[FaultError] = []
    for at, metric in enumerate(_list_in((yield Read()), "metrics")):
        field = f"metrics.{at}"
        try:
            name = _text(metric, "name", field)
            value = charts.number(metric.get("numberValue"), f"{field}.numberValue")
        except FaultError as fault:
            faults.append(fault)
        else:
            percent = metric.get("format") == "PERCENTAGE"
            values.append((name, value, "PERCENTAGE" if percent else "RAW"))
    own = [charts.scalars(values)._replace(title="metrics")] if values else []
    return [*own, *faults[:MAX_OUTPUTS]]


def _list_in(content: Content, key: str) -> Sequence[Any]:
    """The list in a JSON file.

    Raises:
        FaultError: the file is not a JSON object with a list of this name.
    """
    try:
        document = from_json(content.all().text())
    except FaultError:
        raise
    except ValueError as error:
        raise FaultError(f"the file is not JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise FaultError(f"the file is {charts.shown(document)}, not an object with {key!r}")
    return sequence(document.get(key), key)


def _output(output: Any, field: str) -> Reading[Chart]:
    kind = _text(output, "type", field)
    source = _text(output, "source", field)
    if kind == "tensorboard":
        raise FaultError(
            f"Headrace does not run TensorBoard; open the log at {source} with your own"
        )
    viewer = _VIEWERS.get(kind)
    if viewer is None:
        known = ", ".join(sorted((*_VIEWERS, "tensorboard")))
        raise FaultError(f"unknown viewer {kind!r}; known are {known}", f"{field}.type")
    try:
        content = Content(source.encode(errors="replace"))
        if output.get("storage") != "inline":
            if len(source) > _MAX_ADDRESS_LENGTH or "\n" in source:
                raise FaultError(
                    'the source is not an address; for inline content set storage to "inline"',
                    f"{field}.storage",
                )
            content = yield Read(source)
        return viewer(output, content, field)._replace(title=_TITLES[kind])
    except FaultError as fault:
        raise FaultError(str(fault), fault.field or f"{field}.source") from None


def _table(output: Mapping[str, Any], content: Content, field: str) -> Chart:
    if output.get("header") is None and output.get("schema") is None:
        raise FaultError("missing; a table needs the names of its columns", f"{field}.header")
    header = _names(output, field) if output.get("header") is None else _texts(output, field)
    rows = [*islice(_rows(output, content, field), charts.MAX_ROWS + 1)]
    return mark_truncated(charts.table(header, rows), content)


def _confusion_matrix(output: Mapping[str, Any], content: Content, field: str) -> Chart:
    names = _names(output, field)
    labels = _texts(output, field, "labels")
    if len({*labels}) != len(labels):
        raise FaultError("duplicate label", f"{field}.labels")
    target = _column(output, "target_col", names, 0, field)
    predicted = _column(output, "predicted_col", names, 1, field)
    rest = [at for at in range(len(names)) if at not in (target, predicted)]
    if len({target, predicted}) != 2 or not rest:
        raise FaultError(
            "must name three columns: two of labels and one of counts", f"{field}.schema"
        )
    count_column = next((at for at in rest if names[at] == "count"), rest[-1])
    positions = {label: at for at, label in enumerate(labels)}

    def cells() -> Iterator[tuple[int, int, float]]:
        for at, row in _full_rows(output, content, len(names), field):
            for label in (row[target], row[predicted]):
                if label not in positions:
                    raise FaultError(f"row {at}: {charts.shown(label)} is not one of the labels")
            number = _in_row(charts.count, row[count_column], at)
            yield positions[row[target]], positions[row[predicted]], number

    return charts.confusion_matrix(labels, cells(), (names[target], names[predicted]))


def _roc(output: Mapping[str, Any], content: Content, field: str) -> Chart:
    names = _names(output, field)
    try:
        fpr, tpr = names.index("fpr"), names.index("tpr")
        threshold = next(i for i, name in enumerate(names) if name.startswith("threshold"))
    except (ValueError, StopIteration):
        raise FaultError(
            f"must name the columns fpr, tpr and threshold; it names {', '.join(names)}",
            f"{field}.schema",
        ) from None
    return charts.roc(
        (
            _in_row(charts.rate, row[fpr], at),
            _in_row(charts.rate, row[tpr], at),
            _in_row(charts.number, row[threshold], at),
        )
        for at, row in _full_rows(output, content, len(names), field)
    )


def _markdown(output: Mapping[str, Any], content: Content, field: str) -> Chart:
    return markdown_of(content)


def _web_app(output: Mapping[str, Any], content: Content, field: str) -> Chart:
    return charts.html(content.all().text())


_VIEWERS: Mapping[str, Callable[[Mapping[str, Any], Content, str], Chart]] = {
    "confusion_matrix": _confusion_matrix,
    "markdown": _markdown,
    "roc": _roc,
    "table": _table,
    "web-app": _web_app,
}

_TITLES = {
    "confusion_matrix": charts.MATRIX_TITLE,
    "markdown": "text",
    "roc": charts.ROC_TITLE,
    "table": "table",
    "web-app": "page",
}


def _in_row(read: Callable[[Any, str], float], value: str, row: int) -> float:
    """A number in a row.

    Raises:
        FaultError: the value is not such a number; the message names the row.
    """
    try:
        return read(value, "")
    except FaultError as fault:
        raise FaultError(f"row {row}: {fault}") from None


def _full_rows(
    output: Mapping[str, Any], content: Content, width: int, field: str
) -> Iterator[tuple[int, list[str]]]:
    """All rows with their numbers, from 1. Each must have at least `width` columns."""
    for at, row in enumerate(_rows(output, content.all(), field), 1):
        if len(row) < width:
            raise FaultError(f"row {at} has {len(row)} of {width} columns")
        yield at, row


def _rows(output: Mapping[str, Any], content: Content, field: str) -> Iterator[list[str]]:
    """The rows of a CSV file that are not empty. Of truncated content the last line is left out:
    it may be incomplete."""
    form = output.get("format", "csv")
    if form != "csv":
        message = f"{charts.shown(form)} is not supported; use csv"
        raise FaultError(message, f"{field}.format")
    text = content.text().strip()
    lines = text if content.whole else text.rpartition("\n")[0]
    try:
        for row in csv.reader(io.StringIO(lines, newline="")):
            if row:
                yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise FaultError(f"the content is not CSV: {error}") from None


def _column(
    output: Mapping[str, Any], key: str, names: Sequence[str], default: int, field: str
) -> int:
    """The position of the column that the output names, or else the default."""
    name = output.get(key)
    if name is None:
        return default
    if name not in names:
        raise FaultError(f"{charts.shown(name)} is not a column in the schema", f"{field}.{key}")
    return names.index(name)


def _names(output: Mapping[str, Any], field: str) -> list[str]:
    """The names of the columns in the schema."""
    schema_field = f"{field}.schema"
    schema = sequence(output.get("schema"), schema_field)
    return [_text(column, "name", f"{schema_field}.{at}") for at, column in enumerate(schema)]


def _texts(output: Mapping[str, Any], field: str, key: str = "header") -> list[str]:
    """A list of labels as strings, as they are in CSV."""
    list_field = f"{field}.{key}"
    found = sequence(output.get(key), list_field)
    for at, one in enumerate(found):
        if not isinstance(one, str | int | float):
            raise FaultError(f"{charts.shown(one)} is not a string", f"{list_field}.{at}")
    return [one.strip() if isinstance(one, str) else charts.shown(one) for one in found]


def _text(value: Any, key: str, field: str) -> str:
    """A member of an object that is a string and not empty.

    Raises:
        FaultError: the value is not an object, or has no such member.
    """
    found = charts.member(value, key, field)
    if not isinstance(found, str) or not found:
        raise FaultError(f"{charts.shown(found)} is not a non-empty string", f"{field}.{key}")
    return found
