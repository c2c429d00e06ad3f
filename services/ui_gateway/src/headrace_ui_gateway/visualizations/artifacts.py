"""From an artifact to what it shows: the types of KFP 2, and the files of version 1.

A viewer is a generator that yields what it wants read (`Read`) and is sent what came of it
(`Content`), or has the reason thrown in (`FaultError`) why it cannot be had. So which addresses may
be read is decided in one place, by who carries the reading out. One fault does not hide what else
an artifact shows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from headrace_contracts.values import Artifact
from pydantic import TypeAdapter

from headrace_ui_gateway.visualizations import charts
from headrace_ui_gateway.visualizations.charts import Chart, FaultError, member
from headrace_ui_gateway.visualizations.markdown import html_of
from headrace_ui_gateway.visualizations.models import AnyVisualization, Markdown, Unshown

T = TypeVar("T")
MOST_BYTES = 8 * 1024 * 1024
"""Of one thing that is read; a page of HTML with a plotting library in it has five million."""


class Read(NamedTuple):
    """What is to be read, at most `MOST_BYTES` of it: the object at an address that a step has
    told, or without one the artifact's own content."""

    uri: str | None = None


class Content(NamedTuple):
    """What was read, and whether that is all."""

    data: bytes
    whole: bool = True

    def text(self) -> str:
        """It as a text.

        Raises:
            FaultError: it is none.
        """
        try:
            # What was cut may end within a character.
            return self.data.decode("utf-8-sig", "strict" if self.whole else "ignore")
        except UnicodeDecodeError:
            raise FaultError("it is not a text in UTF-8") from None

    def all(self) -> Content:
        """Itself.

        Raises:
            FaultError: it is more than could be read, and a part of it shows nothing.
        """
        if not self.whole:
            raise FaultError(f"it is larger than {MOST_BYTES // 1024**2} MiB")
        return self


Reading = Generator[Read, Content, T]
Shown = Sequence[Chart | FaultError]
Viewer = Callable[[Artifact], Reading[Shown]]


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact, and the output of the task that it is."""

    task_id: UUID
    path: str
    output: str
    index: int
    """Its place in the output, which may be a list."""
    artifact: Artifact


_ADAPTER: TypeAdapter[AnyVisualization] = TypeAdapter(AnyVisualization)


def visualizations(made: Made, viewer: Viewer) -> Reading[list[AnyVisualization]]:
    """What an artifact shows."""
    try:
        shown = yield from viewer(made.artifact)
    except FaultError as fault:
        shown = [fault]
    return [_placed(made, position, one) for position, one in enumerate(shown)]


def unshown(made: Made, fault: FaultError) -> Unshown:
    """An artifact that shows nothing, and why."""
    return Unshown(**_place(made), message=str(fault), field=fault.field)


def rendered(shown: Sequence[AnyVisualization], most: int) -> Iterator[AnyVisualization]:
    """The same, texts in Markdown as HTML too, as long as there are no more than `most` characters
    of them."""
    for one in shown:
        if isinstance(one, Markdown) and len(one.text) <= most:
            most -= len(one.text)
            yield one.model_copy(update={"html": html_of(one.text)})
        else:
            yield one


def _placed(made: Made, position: int, shown: Chart | FaultError) -> AnyVisualization:
    if isinstance(shown, FaultError):
        return unshown(made, shown).model_copy(update={"position": position})
    own = {"title": shown.title} if shown.title else {}
    values = {**_place(made), **own, "position": position, "type": shown.type, **shown.values}
    return _ADAPTER.validate_python(values)


def _place(made: Made) -> dict[str, Any]:
    return {
        "artifact_id": made.artifact.artifact_id,
        "task_id": made.task_id,
        "path": made.path,
        "output": made.output,
        "title": made.output,
    }


def metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.Metrics``: its metadata."""
    yield from ()
    values: list[tuple[str, Any, charts.Format]] = [
        (name, value, "RAW") for name, value in artifact.metadata.items()
    ]
    return [charts.scalars(values)] if values else []


def classification_metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.ClassificationMetrics``: a confusion matrix and a curve in its metadata."""
    yield from ()
    return list(_classification(artifact.metadata, "metadata", ""))


def sliced_metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.SlicedClassificationMetrics``: the same for each slice of the data."""
    yield from ()
    shown: list[Chart | FaultError] = []
    field = "metadata.evaluationSlices"
    slices = artifact.metadata.get("evaluationSlices", [])
    for at, one in enumerate(sequence(slices, field)):
        place = f"{field}.{at}"
        if not isinstance(one, Mapping):
            shown.append(FaultError(f"{charts.shown(one)} is no object", place))
            continue
        told = one.get("sliceClassificationMetrics")
        if not isinstance(told, Mapping):
            shown.append(FaultError("the slice has no metrics", place))
            continue
        name = str(one.get("slice", at))
        shown += _classification(told, f"{place}.sliceClassificationMetrics", f": {name}")
    return shown


def page(artifact: Artifact) -> Reading[Shown]:
    """``system.HTML``: its content."""
    return [charts.html((yield Read()).all().text())]


def text(artifact: Artifact) -> Reading[Shown]:
    """``system.Markdown``: its content."""
    return [markdown_of((yield Read()))]


def markdown_of(content: Content) -> Chart:
    """A text in Markdown, or its beginning."""
    return cut(charts.markdown(content.text()), content)


def cut(chart: Chart, content: Content) -> Chart:
    """A chart of what was read."""
    truncated = chart.values["truncated"] or not content.whole
    return chart._replace(values={**chart.values, "truncated": truncated})


def sequence(value: Any, field: str) -> Sequence[Any]:
    """A list.

    Raises:
        FaultError: it is none.
    """
    if isinstance(value, list | tuple):
        return value
    raise FaultError(f"{charts.shown(value)} is no list", field)


def _classification(
    metadata: Mapping[str, Any], field: str, suffix: str
) -> Iterator[Chart | FaultError]:
    for key, name, viewer in (
        ("confusionMatrix", charts.MATRIX_TITLE, _matrix),
        ("confidenceMetrics", charts.ROC_TITLE, _curve),
    ):
        if key not in metadata:
            continue
        try:
            yield viewer(metadata[key], f"{field}.{key}")._replace(title=name + suffix)
        except FaultError as fault:
            yield fault


def _matrix(told: Any, field: str) -> Chart:
    specs = _list(told, "annotationSpecs", field)
    labels = [
        str(member(spec, "displayName", f"{field}.annotationSpecs.{at}"))
        for at, spec in enumerate(specs)
    ]
    rows = _list(told, "rows", field)
    counts = [_list(row, "row", f"{field}.rows.{at}") for at, row in enumerate(rows)]
    if len(counts) != len(labels) or any(len(row) != len(labels) for row in counts):
        raise FaultError(
            f"{len(labels)} labels need as many rows, and as many counts in each", f"{field}.rows"
        )
    cells = (
        (i, j, charts.count(value, f"{field}.rows.{i}.row.{j}"))
        for i, row in enumerate(counts)
        for j, value in enumerate(row)
    )
    return charts.confusion_matrix(labels, cells)


def _curve(told: Any, field: str) -> Chart:
    readings = []
    for at, one in enumerate(sequence(told, field)):
        place = f"{field}.{at}"
        readings.append(
            (
                charts.rate(member(one, "falsePositiveRate", place), f"{place}.falsePositiveRate"),
                charts.rate(member(one, "recall", place), f"{place}.recall"),
                charts.number(
                    member(one, "confidenceThreshold", place), f"{place}.confidenceThreshold"
                ),
            )
        )
    try:
        return charts.roc(readings)
    except FaultError as fault:
        raise FaultError(str(fault), field) from None


def _list(value: Any, key: str, field: str) -> Sequence[Any]:
    """A member of an object that is a list.

    Raises:
        FaultError: it is no object, or has none.
    """
    return sequence(member(value, key, field), f"{field}.{key}")
