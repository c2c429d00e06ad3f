"""Viewers of artifacts with KFP 2 types.

A viewer is a generator. It yields requests to read (`Read`) and is sent the content (`Content`); if
the content cannot be read, a `FaultError` is thrown into it. The caller thus decides in one place
which addresses may be read. One fault does not hide the other visualizations of an artifact.
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
MAX_BYTES = 8 * 1024 * 1024
"""Of one object; an HTML page with an embedded plotting library has five million."""


class Read(NamedTuple):
    """A request to read at most `MAX_BYTES` of an object: the one at an address that a step wrote,
    or without an address the artifact's own content."""

    uri: str | None = None


class Content(NamedTuple):
    """What was read, and whether it is the whole object."""

    data: bytes
    whole: bool = True

    def text(self) -> str:
        """The content as text.

        Raises:
            FaultError: it is not UTF-8.
        """
        try:
            # Truncated content may end within a character.
            return self.data.decode("utf-8-sig", "strict" if self.whole else "ignore")
        except UnicodeDecodeError:
            raise FaultError("the content is not UTF-8 text") from None

    def all(self) -> Content:
        """The content, if it is the whole object.

        Raises:
            FaultError: the object is larger than `MAX_BYTES`.
        """
        if not self.whole:
            raise FaultError(f"the content is larger than {MAX_BYTES // 1024**2} MiB")
        return self


Reading = Generator[Read, Content, T]
Shown = Sequence[Chart | FaultError]
Viewer = Callable[[Artifact], Reading[Shown]]


@dataclass(frozen=True, slots=True)
class OutputArtifact:
    """An artifact of a task's output."""

    task_id: UUID
    path: str
    output: str
    index: int
    """Position in the output, which may be a list."""
    artifact: Artifact


_ADAPTER: TypeAdapter[AnyVisualization] = TypeAdapter(AnyVisualization)


def visualizations(output: OutputArtifact, viewer: Viewer) -> Reading[list[AnyVisualization]]:
    """The visualizations of an artifact."""
    try:
        shown = yield from viewer(output.artifact)
    except FaultError as fault:
        shown = [fault]
    return [_visualization(output, position, one) for position, one in enumerate(shown)]


def with_html(shown: Sequence[AnyVisualization], max_characters: int) -> Iterator[AnyVisualization]:
    """The same visualizations, with Markdown rendered as HTML, up to `max_characters` of it in
    total."""
    for one in shown:
        if isinstance(one, Markdown) and len(one.text) <= max_characters:
            max_characters -= len(one.text)
            yield one.model_copy(update={"html": html_of(one.text)})
        else:
            yield one


def _visualization(
    output: OutputArtifact, position: int, shown: Chart | FaultError
) -> AnyVisualization:
    common = {
        "artifact_id": output.artifact.artifact_id,
        "task_id": output.task_id,
        "path": output.path,
        "output": output.output,
        "title": output.output,
        "position": position,
    }
    if isinstance(shown, FaultError):
        return Unshown(**common, message=str(shown), field=shown.field)
    title = {"title": shown.title} if shown.title else {}
    return _ADAPTER.validate_python({**common, **title, "type": shown.type, **shown.values})


def metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.Metrics``: its metadata."""
    yield from ()
    values: list[tuple[str, Any, charts.Format]] = [
        (name, value, "RAW") for name, value in artifact.metadata.items()
    ]
    return [charts.scalars(values)] if values else []


def classification_metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.ClassificationMetrics``: a confusion matrix and an ROC curve in its metadata."""
    yield from ()
    return list(_classification(artifact.metadata, "metadata", ""))


def sliced_metrics(artifact: Artifact) -> Reading[Shown]:
    """``system.SlicedClassificationMetrics``: the same for each slice of the data."""
    yield from ()
    shown: list[Chart | FaultError] = []
    field = "metadata.evaluationSlices"
    slices = artifact.metadata.get("evaluationSlices", [])
    for at, one in enumerate(sequence(slices, field)):
        item_field = f"{field}.{at}"
        if not isinstance(one, Mapping):
            shown.append(FaultError(f"{charts.shown(one)} is not an object", item_field))
            continue
        metrics = one.get("sliceClassificationMetrics")
        if not isinstance(metrics, Mapping):
            shown.append(FaultError("the slice has no metrics", item_field))
            continue
        name = str(one.get("slice", at))
        shown += _classification(metrics, f"{item_field}.sliceClassificationMetrics", f": {name}")
    return shown


def page(artifact: Artifact) -> Reading[Shown]:
    """``system.HTML``: its content."""
    return [charts.html((yield Read()).all().text())]


def text(artifact: Artifact) -> Reading[Shown]:
    """``system.Markdown``: its content."""
    return [markdown_of((yield Read()))]


def markdown_of(content: Content) -> Chart:
    """Markdown, or the beginning of it."""
    return mark_truncated(charts.markdown(content.text()), content)


def mark_truncated(chart: Chart, content: Content) -> Chart:
    """A chart of content that may be truncated."""
    truncated = chart.values["truncated"] or not content.whole
    return chart._replace(values={**chart.values, "truncated": truncated})


def sequence(value: Any, field: str) -> Sequence[Any]:
    """A value that must be a list.

    Raises:
        FaultError: it is not.
    """
    if isinstance(value, list | tuple):
        return value
    raise FaultError(f"{charts.shown(value)} is not a list", field)


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


def _matrix(matrix: Any, field: str) -> Chart:
    specs = _list(matrix, "annotationSpecs", field)
    labels = [
        str(member(spec, "displayName", f"{field}.annotationSpecs.{at}"))
        for at, spec in enumerate(specs)
    ]
    rows = _list(matrix, "rows", field)
    counts = [_list(row, "row", f"{field}.rows.{at}") for at, row in enumerate(rows)]
    if len(counts) != len(labels) or any(len(row) != len(labels) for row in counts):
        raise FaultError(
            f"{len(labels)} labels need {len(labels)} rows with {len(labels)} counts each",
            f"{field}.rows",
        )
    cells = (
        (i, j, charts.count(value, f"{field}.rows.{i}.row.{j}"))
        for i, row in enumerate(counts)
        for j, value in enumerate(row)
    )
    return charts.confusion_matrix(labels, cells)


def _curve(metrics: Any, field: str) -> Chart:
    points = []
    for at, one in enumerate(sequence(metrics, field)):
        item = f"{field}.{at}"
        points.append(
            (
                charts.rate(member(one, "falsePositiveRate", item), f"{item}.falsePositiveRate"),
                charts.rate(member(one, "recall", item), f"{item}.recall"),
                charts.number(
                    member(one, "confidenceThreshold", item), f"{item}.confidenceThreshold"
                ),
            )
        )
    try:
        return charts.roc(points)
    except FaultError as fault:
        raise FaultError(str(fault), field) from None


def _list(value: Any, key: str, field: str) -> Sequence[Any]:
    """A list that is a member of an object.

    Raises:
        FaultError: the value is not an object, or the member is not a list.
    """
    return sequence(member(value, key, field), f"{field}.{key}")
