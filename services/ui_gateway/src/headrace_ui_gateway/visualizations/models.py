"""Visualizations of artifacts, ready to be drawn, the same for both versions of KFP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from headrace_contracts.base import Contract
from pydantic import Field


class Visualization(Contract):
    """Fields of every visualization."""

    artifact_id: UUID | None = None
    task_id: UUID
    path: str
    """The task's path in the run's graph."""
    output: str
    """The task's output to which the artifact belongs."""
    position: int = 0
    """Position among the visualizations of the artifact."""
    title: str
    truncated: bool = False
    """Whether content was left out."""


class Table(Visualization):
    """Rows of strings, as the step wrote them."""

    type: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    """Each has a value for every column; at most 1,000."""


class ConfusionMatrix(Visualization):
    """How often each class was predicted as each class."""

    type: Literal["confusion_matrix"] = "confusion_matrix"
    labels: tuple[str, ...]
    """The classes; at most 100."""
    counts: tuple[tuple[float, ...], ...]
    """A row for each true class, with a number for each predicted class, in the order of
    `labels`."""
    totals: tuple[float, ...]
    """The sum of each row, including classes that were left out."""
    axes: tuple[str, str] = ("target", "predicted")
    """The names of the rows and of the columns."""


class RocPoint(Contract):
    """The rates at one threshold."""

    fpr: float
    """The false positive rate, from 0 to 1."""
    tpr: float
    """The true positive rate, from 0 to 1."""
    threshold: float | None = None
    """None if it is infinite or unknown."""


class RocCurve(Visualization):
    """A receiver operating characteristic curve."""

    type: Literal["roc"] = "roc"
    points: tuple[RocPoint, ...]
    """In the order of the false positive rate; at most 1,000, evenly chosen."""
    auc: float
    """The area under the whole curve, from (0, 0) to (1, 1)."""


class Scalar(Contract):
    """A named value."""

    name: str
    value: bool | int | float | str
    """A number, a boolean or a string; any other value as JSON text."""
    format: Literal["RAW", "PERCENTAGE"] = "RAW"
    """With PERCENTAGE, 0.93 means 93 %."""


class Scalars(Visualization):
    """Named values."""

    type: Literal["scalars"] = "scalars"
    scalars: tuple[Scalar, ...]
    """At most 1,000."""


class Markdown(Visualization):
    """A Markdown text."""

    type: Literal["markdown"] = "markdown"
    text: str
    """At most 100,000 characters."""
    html: str | None = None
    """The text rendered as HTML, with HTML inside the text escaped; None if it is too long to
    render."""


class Html(Visualization):
    """A page. It is untrusted: show it in a sandboxed frame without an origin."""

    type: Literal["html"] = "html"
    text: str


class Unshown(Visualization):
    """An artifact that cannot be shown, and why."""

    type: Literal["error"] = "error"
    message: str
    field: str | None = None
    """The dotted path of the fault in the artifact's content or metadata."""


AnyVisualization = Annotated[
    Table | ConfusionMatrix | RocCurve | Scalars | Markdown | Html | Unshown,
    Field(discriminator="type"),
]


class Visualizations(Contract):
    """Visualizations in the order of the graph."""

    visualizations: tuple[AnyVisualization, ...] = ()
    truncated: bool = False
    """Whether there are more. Request those of one task or artifact to get them."""
