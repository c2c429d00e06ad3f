"""The artifact classes of components, with the schema titles and methods of KFP.

An artifact has a name, a URI and metadata; its data is at `path`, which is derived from the URI.
Source of titles, paths and metadata: `kfp.dsl.types.artifact_types` of KFP 2.17.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would delay every step
    from typing import Any

WORKSPACE_MOUNT_PATH = "/kfp-workspace"
"""Where a pod backend mounts the run's workspace."""

DEFAULT_SCHEMA_VERSION = "0.0.1"

_MOUNTS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/", "oci://": "/oci/"}
"""Where a pod backend mounts each kind of object store."""
_MODELCAR = "/models"
"""The folder with the model's files in a container image that holds a model."""
_UNKNOWN_TASK_ROOT = "/tmp/kfp_outputs"  # noqa: S108 - a value that old backends pass, not a file

CONTAINER_TASK_ROOT: str | None = None
"""The folder of the executing task's outputs; None outside of a task. `step.executor` sets it."""


class Artifact:
    """A generic artifact, and the base class of the others.

    Args:
        name: The artifact's name.
        uri: Where its data is.
        metadata: Any JSON object.
    """

    schema_title: str = "system.Artifact"
    schema_version: str = DEFAULT_SCHEMA_VERSION

    def __init__(
        self,
        name: str | None = None,
        uri: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.uri: str = uri or ""
        self.name: str = name or ""
        self.metadata: dict[str, Any] = metadata or {}
        self._custom_path = ""

    def __repr__(self) -> str:
        fields = f"name={self.name!r}, uri={self.uri!r}, metadata={self.metadata!r}"
        return f"{type(self).__name__}({fields})"

    @property
    def path(self) -> str:
        """The local path of the data: `custom_path`, or derived from the URI. Setting it sets the
        URI."""
        return self._local_path()

    @path.setter
    def path(self, path: str) -> None:
        self.uri = remote_path(path)

    @property
    def custom_path(self) -> str:
        """A local path that the component chose instead; empty when it chose none."""
        return self._custom_path

    @custom_path.setter
    def custom_path(self, path: str) -> None:
        self._custom_path = path

    def set_path(self, path: str) -> None:
        """Set `custom_path`."""
        self._custom_path = path

    def _local_path(self) -> str:
        path = self._custom_path or local_path(self.uri)
        if self.metadata.get("_kfp_workspace") is True:  # the backend downloaded it there
            path = os.path.join(WORKSPACE_MOUNT_PATH, ".artifacts", path.lstrip("/"))
        return path


class Model(Artifact):
    """A machine learning model."""

    schema_title = "system.Model"

    @property
    def framework(self) -> str:
        """The metadata entry `framework`; empty when not set."""
        return str(self.metadata.get("framework", ""))

    @framework.setter
    def framework(self, framework: str) -> None:
        self.metadata["framework"] = framework

    @property
    def path(self) -> str:
        """The local path of the data; of a model in a container image, the folder of its files."""
        path = self._local_path()
        return path + _MODELCAR if self.uri.startswith("oci://") else path

    @path.setter
    def path(self, path: str) -> None:
        self.uri = remote_path(path)


class Dataset(Artifact):
    """A dataset."""

    schema_title = "system.Dataset"


class Metrics(Artifact):
    """Named numbers, stored in the metadata."""

    schema_title = "system.Metrics"

    def log_metric(self, metric: str, value: float) -> None:
        """Store one number."""
        self.metadata[metric] = value


class ClassificationMetrics(Artifact):
    """An ROC curve and a confusion matrix, stored in the metadata."""

    schema_title = "system.ClassificationMetrics"

    def log_roc_data_point(self, fpr: float, tpr: float, threshold: float) -> None:
        """Append one point to the ROC curve.

        Args:
            fpr: The false positive rate.
            tpr: The true positive rate.
            threshold: The confidence from which on a case counts as positive.
        """
        point = {"confidenceThreshold": threshold, "recall": tpr, "falsePositiveRate": fpr}
        self.metadata.setdefault("confidenceMetrics", []).append(point)

    def log_roc_curve(self, fpr: list[float], tpr: list[float], threshold: list[float]) -> None:
        """Append points, given as three lists.

        Raises:
            ValueError: The lists differ in length.
        """
        if not len(fpr) == len(tpr) == len(threshold):
            raise ValueError(
                "Length of fpr, tpr and threshold must be the same. "
                f"Got lengths {len(fpr)}, {len(tpr)} and {len(threshold)} respectively."
            )
        for point in zip(fpr, tpr, threshold):
            self.log_roc_data_point(*point)

    def set_confusion_matrix_categories(self, categories: list[str]) -> None:
        """Start a confusion matrix of zeros with these categories."""
        self.metadata["confusionMatrix"] = {
            "annotationSpecs": [{"displayName": category} for category in categories],
            "rows": [{"row": [0] * len(categories)} for _ in categories],
        }

    def log_confusion_matrix_row(self, row_category: str, row: list[float]) -> None:
        """Set one row of the matrix.

        Raises:
            ValueError: The category is unknown, or the row does not have one value per category.
        """
        categories = self._categories()
        index = _index(row_category, categories)
        if len(row) != len(categories):
            raise ValueError(f"Invalid row. Expected size: {len(categories)} got: {len(row)}")
        self.metadata["confusionMatrix"]["rows"][index] = {"row": row}

    def log_confusion_matrix_cell(self, row_category: str, col_category: str, value: int) -> None:
        """Set one cell of the matrix.

        Raises:
            ValueError: A category is unknown.
        """
        categories = self._categories()
        row, column = _index(row_category, categories), _index(col_category, categories)
        self.metadata["confusionMatrix"]["rows"][row]["row"][column] = value

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Set the whole matrix.

        Raises:
            ValueError: The matrix does not have one row and one column per category.
        """
        self.set_confusion_matrix_categories(categories)
        if len(matrix) != len(categories) or any(len(row) != len(categories) for row in matrix):
            raise ValueError(f"Invalid matrix: {matrix} passed for categories: {categories}")
        for category, row in zip(categories, matrix):
            self.log_confusion_matrix_row(category, row)  # type: ignore[arg-type]

    def _categories(self) -> list[str]:
        if "confusionMatrix" not in self.metadata:
            raise ValueError(
                "The confusion matrix has no categories: "
                "call set_confusion_matrix_categories before you log a row or a cell."
            )
        return [spec["displayName"] for spec in self.metadata["confusionMatrix"]["annotationSpecs"]]


class SlicedClassificationMetrics(Artifact):
    """Classification metrics for each slice of the data, stored in the metadata."""

    schema_title = "system.SlicedClassificationMetrics"

    def log_roc_reading(self, slice: str, threshold: float, tpr: float, fpr: float) -> None:
        """Append one point to a slice's ROC curve."""
        self._metrics_of(slice).log_roc_data_point(fpr, tpr, threshold)

    def load_roc_readings(self, slice: str, readings: list[list[float]]) -> None:
        """Append points to a slice's ROC curve.

        Args:
            slice: The slice's name.
            readings: Lists of threshold, true positive rate and false positive rate.
        """
        for threshold, tpr, fpr in readings:
            self._metrics_of(slice).log_roc_data_point(fpr, tpr, threshold)

    def set_confusion_matrix_categories(self, slice: str, categories: list[str]) -> None:
        """Start a slice's confusion matrix of zeros."""
        self._metrics_of(slice).set_confusion_matrix_categories(categories)

    def log_confusion_matrix_row(self, slice: str, row_category: str, row: list[int]) -> None:
        """Set one row of a slice's matrix.

        Raises:
            ValueError: The category is unknown, or the row does not have one value per category.
        """
        self._metrics_of(slice).log_confusion_matrix_row(row_category, row)  # type: ignore[arg-type]

    def log_confusion_matrix_cell(
        self, slice: str, row_category: str, col_category: str, value: int
    ) -> None:
        """Set one cell of a slice's matrix.

        Raises:
            ValueError: A category is unknown.
        """
        self._metrics_of(slice).log_confusion_matrix_cell(row_category, col_category, value)

    def load_confusion_matrix(
        self, slice: str, categories: list[str], matrix: list[list[int]]
    ) -> None:
        """Set a slice's whole matrix.

        Raises:
            ValueError: The matrix does not have one row and one column per category.
        """
        self._metrics_of(slice).log_confusion_matrix(categories, matrix)

    def _metrics_of(self, slice: str) -> ClassificationMetrics:
        """The metrics of one slice, backed by this artifact's metadata."""
        slices = self.metadata.setdefault("evaluationSlices", [])
        for entry in slices:
            if entry["slice"] == slice:
                break
        else:
            entry = {"slice": slice, "sliceClassificationMetrics": {}}
            slices.append(entry)
        metrics = ClassificationMetrics()
        metrics.metadata = entry["sliceClassificationMetrics"]
        return metrics


class HTML(Artifact):
    """An HTML page."""

    schema_title = "system.HTML"


class Markdown(Artifact):
    """A Markdown page."""

    schema_title = "system.Markdown"


ARTIFACT_CLASSES: dict[str, type[Artifact]] = {
    known.schema_title: known
    for known in (
        Artifact,
        Model,
        Dataset,
        Metrics,
        ClassificationMetrics,
        SlicedClassificationMetrics,
        HTML,
        Markdown,
    )
}
"""The SDK's classes by schema title."""


def get_uri(suffix: str = "Output") -> str:
    """A URI below the executing task's output folder, for an artifact that a component creates.

    Args:
        suffix: The last part of the URI; use a different one for each artifact.

    Returns:
        The URI; empty, with a warning, on a backend that does not pass the task's output folder.

    Raises:
        RuntimeError: No task is executing.
    """
    if CONTAINER_TASK_ROOT is None:
        raise RuntimeError(
            "'dsl.get_uri' can only be called at task runtime. "
            "The task root is unknown in the current environment."
        )
    if CONTAINER_TASK_ROOT == _UNKNOWN_TASK_ROOT:
        import warnings

        warnings.warn(
            "dsl.get_uri is not supported by this backend. Please specify a URI explicitly.",
            RuntimeWarning,
            stacklevel=2,
        )
        return ""
    return os.path.join(remote_path(CONTAINER_TASK_ROOT), suffix)


def local_path(uri: str) -> str:
    """The local path where a URI is mounted; a URI without a known scheme is already a path."""
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            rest = uri[len(scheme) :]
            return mount + (rest.replace("/", "_") if scheme == "oci://" else rest)
    return uri


def remote_path(path: str) -> str:
    """The URI of a mounted local path; any other path is returned unchanged."""
    for scheme, mount in _MOUNTS.items():
        if path.startswith(mount):
            rest = path[len(mount) :]
            if scheme == "oci://":
                rest = rest.replace("_", "/")
                rest = rest[: -len(_MODELCAR)] if rest.endswith(_MODELCAR) else rest
            return scheme + rest
    return path


def _index(category: str, categories: list[str]) -> int:
    if category not in categories:
        raise ValueError(f"Invalid category: {category} passed. Expected one of: {categories}")
    return categories.index(category)
