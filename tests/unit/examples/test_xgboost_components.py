"""The XGBoost example's components that need no packages, run on files."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import pytest

from tests.support.components import Component
from tests.support.xgboost.example import COMPONENTS, EXAMPLE, Example

PREDICTIONS = [
    ("ACTION", "ACTION", 0.9),
    ("ACTION", "ACTION", 0.8),
    ("NONE", "ACTION", 0.8),
    ("ACTION", "NONE", 0.4),
    ("NONE", "NONE", 0.1),
]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """An example with a cluster."""
    made = Example(tmp_path)
    done = made.create_cluster()
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture
def predicted(example: Example) -> Example:
    """An example with predictions whose metrics are known."""
    folder = example.data / "predict_output"
    folder.mkdir(parents=True)
    names = ("target", "predicted", "ACTION", "NONE")
    (folder / "schema.json").write_text(json.dumps([{"name": name} for name in names]))
    for part in (0, 1):
        rows = [
            f"{target},{found},{score},{1 - score}\n"
            for target, found, score in PREDICTIONS[part::2]
        ]
        (folder / f"part-0000{part}.csv").write_text("".join(rows))
    return example


def test_a_component_file_contains_its_program() -> None:
    spec = importlib.util.spec_from_file_location("build", EXAMPLE / "build_components.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = sorted(COMPONENTS.glob("*/component.yaml"))
    assert len(found) == 8
    for path in found:
        assert module.built(path) == path.read_text(), f"make examples: {path.parent.name}"
        program = path.with_name(f"{path.parent.name}.py").read_text()
        assert program in Component(path).spec["implementation"]["container"]["command"]


def test_the_data_is_complete() -> None:
    lines = [
        line
        for name in ("train", "eval")
        for line in (EXAMPLE / "data" / f"{name}.csv").read_text().splitlines()
    ]
    assert len(lines) == len(set(lines)) == 569
    assert sum(line.startswith("ACTION,") for line in lines) == 212
    assert sum(line.startswith("NONE,") for line in lines) == 357


def test_training_and_prediction_install_the_same_packages() -> None:
    train, predict = (
        Component(COMPONENTS / step / "component.yaml").requirements
        for step in ("train", "predict")
    )
    assert train == predict
    assert [name.partition("=")[0] for name in train.requirements] == ["numpy", "xgboost-cpu"]


def test_a_cluster_exists_until_it_is_deleted(example: Example) -> None:
    described = json.loads((example.place / "cluster.json").read_text())
    assert (described["name"], described["status"]) == ("xgb-1", "RUNNING")
    assert example.output("create_cluster", "Cluster name") == "xgb-1"
    assert "already exists" in example.create_cluster().stdout
    assert example.delete_cluster().returncode == 0
    assert not example.place.exists()


def test_deleting_a_missing_cluster_succeeds(tmp_path: Path) -> None:
    assert Example(tmp_path).delete_cluster().returncode == 0


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "a/b", "/"])
def test_only_a_cluster_is_deleted(example: Example, name: str) -> None:
    assert example.delete_cluster(name).returncode != 0
    assert example.place.exists()


def test_a_folder_that_is_not_a_cluster_is_not_deleted(tmp_path: Path) -> None:
    example = Example(tmp_path)
    example.place.mkdir(parents=True)
    assert example.delete_cluster().returncode != 0
    assert example.place.exists()


def test_a_job_needs_the_cluster(tmp_path: Path) -> None:
    done = Example(tmp_path).analyze()
    assert done.returncode == 1
    assert "there is no cluster xgb-1" in done.stdout


def test_columns_are_analyzed_and_transformed_by_their_types(
    example: Example, tmp_path: Path
) -> None:
    schema, train, evaluation = (tmp_path / name for name in ("s.json", "t.csv", "e.csv"))
    columns = {"resolution": "CATEGORY", "size": "NUMBER", "colour": "CATEGORY", "same": "NUMBER"}
    schema.write_text(json.dumps([{"name": n, "type": t} for n, t in columns.items()]))
    train.write_text("NONE,10,red,5\nACTION,30,blue,5\nNONE,,red,5\n")
    evaluation.write_text("ACTION,40,green,5\n")
    done = example.analyze(train, schema)
    assert done.returncode == 0, done.stdout
    stats = json.loads((example.data / "stats.json").read_text())
    assert stats["rows"] == 3
    assert stats["columns"]["size"] == {"min": 10, "max": 30, "mean": 20}
    assert stats["columns"]["colour"] == {"vocabulary": ["blue", "red"]}
    done = example.transform(train, evaluation)
    assert done.returncode == 0, done.stdout
    assert _rows(example.data / "train") == [
        ["1", "0", "0", "1", "0"],
        ["0", "1", "1", "0", "0"],
        ["1", "", "0", "1", "0"],
    ]
    assert _rows(example.data / "eval") == [["0", "1.5", "0", "0", "0"]]


def test_no_row_of_the_data_is_lost(example: Example) -> None:
    assert example.analyze().returncode == 0
    assert example.transform().returncode == 0
    assert len(_rows(example.data / "train")) == 398
    assert len(_rows(example.data / "eval")) == 171
    assert {len(row) for row in _rows(example.data / "train")} == {31}


@pytest.mark.parametrize(
    ("train", "says"),
    [("NONE,1\nACTION\n", "row 2"), ("NONE,x\n", "size"), ("NONE,\n", "size"), ("A,inf\n", "size")],
)
def test_data_that_does_not_match_the_schema_is_rejected(
    example: Example, tmp_path: Path, train: str, says: str
) -> None:
    schema, data = tmp_path / "s.json", tmp_path / "t.csv"
    columns = {"resolution": "CATEGORY", "size": "NUMBER"}
    schema.write_text(json.dumps([{"name": n, "type": t} for n, t in columns.items()]))
    data.write_text(train)
    done = example.analyze(data, schema)
    assert done.returncode == 1
    assert says in done.stdout
    assert "Traceback" not in done.stdout


def test_a_row_that_is_too_short_or_has_an_unknown_class_is_rejected(
    example: Example, tmp_path: Path
) -> None:
    example.analyze()
    evaluation = tmp_path / "eval.csv"
    evaluation.write_text("ACTION,1\n")
    assert "a row has 2 columns" in example.transform(evaluation=evaluation).stdout
    evaluation.write_text("MAYBE" + ",1" * 30 + "\n")
    assert "MAYBE is not a class of resolution" in example.transform(evaluation=evaluation).stdout


@pytest.mark.parametrize("target", ["nothing", "mean_radius"])
def test_a_target_that_is_not_a_category_is_rejected(example: Example, target: str) -> None:
    example.analyze()
    done = example.transform(target=target)
    assert done.returncode == 1
    assert f"the schema has no column {target} of type CATEGORY" in done.stdout


def test_the_confusion_matrix_counts_every_pair(predicted: Example) -> None:
    done = predicted.confusion_matrix()
    assert done.returncode == 0, done.stdout
    shown = _shown(predicted, "confusion_matrix")
    assert shown["type"] == "confusion_matrix"
    assert shown["labels"] == ["ACTION", "NONE"]
    assert shown["source"] == "ACTION,ACTION,2\nACTION,NONE,1\nNONE,ACTION,1\nNONE,NONE,1\n"
    assert (predicted.data / "confusion_matrix.csv").read_text() == shown["source"]
    assert _metric(predicted, "confusion_matrix") == ("accuracy-score", pytest.approx(0.6))


def test_the_curve_takes_equal_scores_in_one_step(predicted: Example) -> None:
    done = predicted.roc()
    assert done.returncode == 0, done.stdout
    shown = _shown(predicted, "roc")
    assert [column["name"] for column in shown["schema"]] == ["fpr", "tpr", "thresholds"]
    points = [tuple(float(value) for value in row) for row in csv.reader(shown["source"].split())]
    third = pytest.approx(1 / 3)
    two_thirds = pytest.approx(2 / 3)
    assert points == [
        (0, 0, 1.9),
        (0, third, 0.9),
        (0.5, two_thirds, 0.8),
        (0.5, 1, 0.4),
        (1, 1, 0.1),
    ]
    # Of the six pairs of a true and a false target, four are in order and one is a tie.
    assert _metric(predicted, "roc") == ("roc-auc-score", pytest.approx(4.5 / 6))


def test_a_class_without_targets_has_no_curve(predicted: Example) -> None:
    assert "no column OTHER" in predicted.roc("OTHER", "OTHER").stdout
    assert "all targets are the same" in predicted.roc("OTHER", "ACTION").stdout


def _rows(folder: Path) -> list[list[str]]:
    """The rows of all parts, in the order of the data."""
    parts = [list(csv.reader(path.read_text().splitlines())) for path in sorted(folder.iterdir())]
    return [
        part[index] for index in range(max(map(len, parts))) for part in parts if index < len(part)
    ]


def _shown(example: Example, step: str) -> dict[str, object]:
    (shown,) = json.loads(example.output(step, "MLPipeline UI metadata"))["outputs"]
    return shown


def _metric(example: Example, step: str) -> tuple[str, float]:
    (metric,) = json.loads(example.output(step, "MLPipeline Metrics"))["metrics"]
    return metric["name"], metric["numberValue"]
