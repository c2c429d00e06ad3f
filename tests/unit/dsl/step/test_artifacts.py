"""The artifact classes."""

from __future__ import annotations

import pytest
from headrace.step import artifacts
from headrace.step.artifacts import ClassificationMetrics, Dataset, SlicedClassificationMetrics


def test_metrics_of_slices() -> None:
    made = SlicedClassificationMetrics()
    made.load_roc_readings("a", [[0.9, 0.5, 0.1]])
    made.log_roc_reading("b", threshold=0.8, tpr=0.4, fpr=0.2)
    made.load_confusion_matrix("a", ["x", "y"], [[1, 2], [3, 4]])
    made.log_confusion_matrix_cell("a", "x", "y", 7)
    made.log_confusion_matrix_row("a", "y", [8, 9])
    made.set_confusion_matrix_categories("c", ["z"])
    whole = ClassificationMetrics()
    whole.log_roc_data_point(fpr=0.1, tpr=0.5, threshold=0.9)
    whole.log_confusion_matrix(["x", "y"], [[1, 7], [8, 9]])
    first, second, third = made.metadata["evaluationSlices"]
    assert first == {"slice": "a", "sliceClassificationMetrics": whole.metadata}
    assert second["sliceClassificationMetrics"]["confidenceMetrics"] == [
        {"confidenceThreshold": 0.8, "recall": 0.4, "falsePositiveRate": 0.2}
    ]
    assert third["sliceClassificationMetrics"]["confusionMatrix"]["rows"] == [{"row": [0]}]
    with pytest.raises(ValueError, match="Invalid category: q passed"):
        made.log_confusion_matrix_cell("a", "x", "q", 1)


def test_a_matrix_needs_categories() -> None:
    with pytest.raises(ValueError, match="call set_confusion_matrix_categories before"):
        ClassificationMetrics().log_confusion_matrix_row("a", [1])


def test_the_repr_of_an_artifact() -> None:
    made = Dataset(name="d", uri="s3://b/k", metadata={"rows": 1})
    assert repr(made) == "Dataset(name='d', uri='s3://b/k', metadata={'rows': 1})"


def test_a_uri_needs_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "CONTAINER_TASK_ROOT", None)
    with pytest.raises(RuntimeError, match="can only be called at task runtime"):
        artifacts.get_uri()
    monkeypatch.setattr(artifacts, "CONTAINER_TASK_ROOT", "/tmp/kfp_outputs")
    with pytest.warns(RuntimeWarning, match="specify a URI explicitly"):
        assert artifacts.get_uri() == ""
    monkeypatch.setattr(artifacts, "CONTAINER_TASK_ROOT", "/s3/bucket/task")
    assert artifacts.get_uri("a") == "s3://bucket/task/a"
