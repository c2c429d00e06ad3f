"""The training of the XGBoost example: worker processes that train one model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from headrace_executor.backends.process.environments import EnvironmentStore

from tests.support.components import Component
from tests.support.xgboost.example import COMPONENTS, Example

LONG = 1_000_000
"""More rounds than a test waits for."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python environment with the components' packages, installed as the executor does."""
    store = EnvironmentStore(tmp_path_factory.mktemp("environments"))
    requirements = Component(COMPONENTS / "train" / "component.yaml").requirements
    return asyncio.run(store.ensure(requirements)).bin_dir / "python"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """A cluster with the transformed data."""
    made = Example(tmp_path_factory.mktemp("example"))
    for step in (made.create_cluster, made.analyze, made.transform):
        done = step()
        assert done.returncode == 0, done.stdout
    return made


@pytest.fixture
def training(example: Example, python: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a training. Processes that are left at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(**settings: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            example.train_command(python, **settings),  # type: ignore[arg-type]
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_two_workers_train_one_model_that_is_better_than_that_of_half_the_rows(
    example: Example, python: Path, training: Callable[..., subprocess.Popen[str]]
) -> None:
    said, _ = training().communicate(timeout=300)
    assert "one model of 2 worker(s)" in said
    shares = {
        (worker, name): int(rows)
        for worker, rows, name in re.findall(r"worker (\d): (\d+) rows of (\w+)", said)
    }
    assert shares == {
        ("0", "train"): 199,
        ("1", "train"): 199,
        ("0", "eval"): 86,
        ("1", "eval"): 85,
    }
    job = json.loads((example.place / "jobs" / "train" / "result.json").read_text())
    assert job["workers"] == 2
    together = _loss(example, python, "train_output")
    for parts in ("part-0000[0246]", "part-0000[1357]"):
        done = training(workers=1, parts=parts, output="half")
        assert "one model of 1 worker(s)" in done.communicate(timeout=300)[0]
        assert together < _loss(example, python, "half")
    assert together < 0.1


def test_the_same_data_makes_the_same_model(
    example: Example, training: Callable[..., subprocess.Popen[str]]
) -> None:
    models = []
    for output in ("first", "second"):
        assert training(rounds=20, output=output).wait(120) == 0
        models.append((example.data / output / "model.json").read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_fails_the_step_and_leaves_no_process(
    training: Callable[..., subprocess.Popen[str]], example: Example, victim: int
) -> None:
    process = training(rounds=LONG, output="killed")
    workers = _workers(process)
    os.kill(workers[victim], signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"the training failed: worker {victim} was killed by signal 9" in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert not (example.data / "killed").exists()


def test_a_stopped_training_leaves_no_process(
    training: Callable[..., subprocess.Popen[str]],
) -> None:
    process = training(rounds=LONG)
    workers = _workers(process)
    process.terminate()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "the training was stopped" in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rounds": 0}, "must be 1 or more"),
        ({"workers": 0}, "must be 1 or more"),
        ({"workers": 9}, "fewer files than there are workers"),
        ({"parts": "nothing-*"}, "fewer files than there are workers"),
    ],
)
def test_invalid_arguments_are_rejected(
    training: Callable[..., subprocess.Popen[str]], settings: dict[str, object], says: str
) -> None:
    process = training(**settings)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert says in said
    assert "Traceback" not in said


def test_the_prediction_table_is_shown(
    example: Example, python: Path, training: Callable[..., subprocess.Popen[str]]
) -> None:
    assert training(rounds=20).wait(120) == 0
    _loss(example, python, "train_output")
    (shown,) = json.loads(example.output("predict", "MLPipeline UI metadata"))["outputs"]
    assert (shown["type"], shown["storage"]) == ("table", "inline")
    assert shown["header"] == ["target", "predicted", "ACTION", "NONE"]
    rows = [line.split(",") for line in shown["source"].splitlines()]
    assert len(rows) == 20
    assert all(math.isclose(float(row[2]) + float(row[3]), 1, abs_tol=1e-5) for row in rows)


def _loss(example: Example, python: Path, model: str) -> float:
    """The mean negative logarithm of the true class's score in the evaluation data."""
    done = example.predict(python, model)
    assert done.returncode == 0, done.stdout
    lines = (example.data / "predict_output" / "part-00000.csv").read_text().splitlines()
    assert len(lines) == 171
    rows = [line.split(",") for line in lines]
    column = {"ACTION": 2, "NONE": 3}
    return -sum(math.log(float(row[column[row[0]]])) for row in rows) / len(rows)


def _workers(process: subprocess.Popen[str]) -> list[int]:
    """The process IDs of the two workers and the tracker, in fork order; waits until they train."""
    assert process.stdout is not None
    for line in process.stdout:
        if "mlogloss" in line:
            break
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if len(children) == 3:
            return list(map(int, children))
    raise AssertionError("there are not two workers and a tracker")
