"""Visualizations: what a run's artifacts show, ready to be drawn, whoever wrote them and how."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from headrace_contracts.base import Contract
from pydantic import Field


class Visualization(Contract):
    """What every visualization has."""

    artifact_id: UUID | None = None
    task_id: UUID
    path: str
    """Where the task stands in the run's graph."""
    output: str
    """The task's output that the artifact is, or is one of."""
    position: int = 0
    """Its place among the visualizations of its artifact."""
    title: str
    truncated: bool = False
    """Whether there is more than is told here."""


class Table(Visualization):
    """Rows of texts, as the step wrote them."""

    type: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    """Each as long as there are columns; at most 1,000."""


class ConfusionMatrix(Visualization):
    """How often each class was predicted as each class."""

    type: Literal["confusion_matrix"] = "confusion_matrix"
    labels: tuple[str, ...]
    """The classes; at most 100."""
    counts: tuple[tuple[float, ...], ...]
    """A row for each true class, with a number for each predicted one, in the order of `labels`."""
    totals: tuple[float, ...]
    """The sum of each row, with what is not told here."""
    axes: tuple[str, str] = ("target", "predicted")
    """What the rows and the columns are called."""


class RocPoint(Contract):
    """The rates at one threshold."""

    fpr: float
    """The rate of false positives, from 0 to 1."""
    tpr: float
    """The rate of true positives, from 0 to 1."""
    threshold: float | None = None
    """None where it is infinite or not told."""


class RocCurve(Visualization):
    """The rate of true positives over that of false ones."""

    type: Literal["roc"] = "roc"
    points: tuple[RocPoint, ...]
    """From the lowest rate of false positives to the highest; at most 1,000, evenly chosen."""
    auc: float
    """The area under the whole curve, from (0, 0) to (1, 1)."""


class Scalar(Contract):
    """One value under its name."""

    name: str
    value: bool | int | float | str
    """A number, a yes or no, or a text; what is neither is told as its JSON."""
    format: Literal["RAW", "PERCENTAGE"] = "RAW"
    """Whether 0.93 is meant as 93 %."""


class Scalars(Visualization):
    """Values under their names."""

    type: Literal["scalars"] = "scalars"
    scalars: tuple[Scalar, ...]
    """At most 1,000."""


class Markdown(Visualization):
    """A text in Markdown."""

    type: Literal["markdown"] = "markdown"
    text: str
    """At most 100,000 characters."""
    html: str | None = None
    """The text as HTML, without any HTML of its own; None where it is too long for that."""


class Html(Visualization):
    """A page. It is a stranger's: show it in a frame that is sandboxed and of no origin."""

    type: Literal["html"] = "html"
    text: str


class Unshown(Visualization):
    """What cannot be shown, and why."""

    type: Literal["error"] = "error"
    message: str
    field: str | None = None
    """The dotted place at fault, in the artifact's content or metadata."""


AnyVisualization = Annotated[
    Table | ConfusionMatrix | RocCurve | Scalars | Markdown | Html | Unshown,
    Field(discriminator="type"),
]


class Visualizations(Contract):
    """What artifacts show, in the order of the graph."""

    visualizations: tuple[AnyVisualization, ...] = ()
    truncated: bool = False
    """Whether there are more; those of one task or artifact can be asked for."""
