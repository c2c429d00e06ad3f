"""Runs components of the XGBoost example in one folder, wired as in its pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.components import Component
from tests.support.deployment import ROOT

EXAMPLE = ROOT / "examples" / "xgboost_training_cm"
COMPONENTS = EXAMPLE / "components"


class Example:
    """One cluster and one data folder in `folder`; each method is a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.region = folder / "region"
        self.place = self.region / "project" / "xgb-1"
        self._name = {"Project": "project", "Region": self.region}
        self._cluster = {**self._name, "Cluster name": "xgb-1"}

    def create_cluster(self) -> subprocess.CompletedProcess[str]:
        """Provision the cluster."""
        return self._run(
            "create_cluster",
            {**self._name, "Name": "xgb-1", "Image version": "1.2"},
            ("Cluster name",),
        )

    def delete_cluster(self, name: str = "xgb-1") -> subprocess.CompletedProcess[str]:
        """Remove the cluster."""
        return self._run("delete_cluster", {**self._name, "Name": name})

    def analyze(
        self, train: Path = EXAMPLE / "data" / "train.csv", schema: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Write stats.json."""
        return self._run(
            "analyze",
            {
                **self._cluster,
                "Schema": schema or EXAMPLE / "data" / "schema.json",
                "Train data": train,
                "Output": self.data,
            },
        )

    def transform(
        self,
        train: Path = EXAMPLE / "data" / "train.csv",
        evaluation: Path = EXAMPLE / "data" / "eval.csv",
        target: str = "resolution",
    ) -> subprocess.CompletedProcess[str]:
        """Write train/part-* and eval/part-*."""
        return self._run(
            "transform",
            {
                **self._cluster,
                "Train data": train,
                "Eval data": evaluation,
                "Target": target,
                "Analysis": self.data,
                "Output": self.data,
            },
        )

    def train_command(
        self,
        python: Path,
        *,
        workers: int = 2,
        rounds: int = 200,
        parts: str = "part-*",
        output: str = "train_output",
    ) -> list[str]:
        """The command line that trains; `parts` are the files of the training data."""
        inputs = {
            **self._cluster,
            "Train data": self.data / "train" / parts,
            "Eval data": self.data / "eval" / "part-*",
            "Target": "resolution",
            "Analysis": self.data,
            "Workers": workers,
            "Rounds": rounds,
            "Output": self.data / output,
        }
        return Component(COMPONENTS / "train" / "component.yaml").command(inputs, python=python)

    def predict(
        self, python: Path, model: str = "train_output"
    ) -> subprocess.CompletedProcess[str]:
        """Write predict_output/part-00000.csv and its schema."""
        return self._run(
            "predict",
            {
                **self._cluster,
                "Data": self.data / "eval" / "part-*",
                "Model": self.data / model,
                "Target": "resolution",
                "Analysis": self.data,
                "Output": self.data / "predict_output",
            },
            ("MLPipeline UI metadata",),
            python,
        )

    def confusion_matrix(self) -> subprocess.CompletedProcess[str]:
        """Write confusion_matrix.csv and its visualization."""
        return self._run(
            "confusion_matrix",
            {
                "Predictions": self.data / "predict_output" / "part-*.csv",
                "Output dir": self.data,
            },
            ("MLPipeline UI metadata", "MLPipeline Metrics"),
        )

    def roc(
        self, true_class: str = "ACTION", score: str = "ACTION"
    ) -> subprocess.CompletedProcess[str]:
        """Write roc.csv and its visualization."""
        return self._run(
            "roc",
            {
                "Predictions dir": self.data / "predict_output" / "part-*.csv",
                "True class": true_class,
                "True score column": score,
                "Output dir": self.data,
            },
            ("MLPipeline UI metadata", "MLPipeline Metrics"),
        )

    def output(self, step: str, name: str) -> str:
        """The text of an output of a step."""
        return (self.folder / step / name).read_text()

    def _run(
        self,
        step: str,
        inputs: dict[str, object],
        outputs: tuple[str, ...] = (),
        python: Path = Path(sys.executable),
    ) -> subprocess.CompletedProcess[str]:
        paths = {name: self.folder / step / name for name in outputs}
        return Component(COMPONENTS / step / "component.yaml").run(inputs, paths, python)
