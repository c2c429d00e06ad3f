"""The parts of a step: JSON, artifacts, annotations, and how the executor is started."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any, List, Optional, Union

import pytest
from headrace import step_package
from headrace.step import artifacts, jsontext, types
from headrace.step.artifacts import ClassificationMetrics, Dataset, SlicedClassificationMetrics
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(blacklist_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.fixture
def without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a step that has not imported it."""
    monkeypatch.delitem(sys.modules, "json")


@given(PLAIN)
def test_json_is_written_and_read_as_json_does(value: Any) -> None:
    expected = json.dumps(value)
    module = sys.modules.pop("json")
    try:
        written = jsontext.dumps(value)
        sys.modules.pop("json", None)
        read = jsontext.loads(expected)
    finally:
        sys.modules["json"] = module
    assert written == expected
    assert json.dumps(read) == expected


@pytest.mark.usefixtures("without_json")
@pytest.mark.parametrize("text", ['{"a": 1', "", "nul", '{"a" 1}', "[1] 2", "'a'", '"\x01"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)


@pytest.mark.usefixtures("without_json")
def test_a_value_that_is_nested_too_deep_is_told_as_json_does() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(RecursionError, match="while encoding a JSON object"):
        jsontext.dumps(nested)


@pytest.mark.usefixtures("without_json")
def test_what_json_allows_besides() -> None:
    assert jsontext.loads(' \n{"a": [1, 2.5e3, NaN]} \n')["a"][:2] == [1, 2500.0]
    assert math.isinf(jsontext.loads("-Infinity"))
    assert jsontext.dumps({1: True, None: (1,)}) == '{"1": true, "null": [1]}'
    with pytest.raises(TypeError):
        jsontext.dumps({"a": object()})


def test_sliced_metrics_are_those_of_their_slices() -> None:
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


def test_a_matrix_needs_its_categories_first() -> None:
    with pytest.raises(ValueError, match="call set_confusion_matrix_categories before"):
        ClassificationMetrics().log_confusion_matrix_row("a", [1])


def test_an_artifact_says_what_it_is() -> None:
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


LIGHT = types.LightAnnotated(types.InputAnnotation)


@pytest.mark.parametrize("marked", [types.Input, LIGHT], ids=["typing", "light"])
def test_a_marked_annotation_is_read(marked: Any) -> None:
    for optional in (Optional[marked[Dataset]], marked[Dataset] | None, marked[Dataset]):
        found = types.without_optional(optional)
        assert types.marker(found) is types.InputAnnotation
        assert types.unmarked(found) is Dataset
    assert types.artifact_list_item(types.unmarked(marked[List[Dataset]])) is Dataset


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, "STRING"),
        (int, "NUMBER_INTEGER"),
        (float, "NUMBER_DOUBLE"),
        (bool, "BOOLEAN"),
        (dict, "STRUCT"),
        (list, "LIST"),
        (list[int], "LIST"),
        (typing.List[int], "LIST"),
        (typing.Dict[str, Any], "STRUCT"),
        ("String", "STRING"),
        ("JsonObject", "STRUCT"),
        (types.PipelineTaskFinalStatus, "STRUCT"),
        (types.TaskConfig, "STRUCT"),
        (Dataset, None),
        (set, None),
        (None, None),
    ],
)
def test_parameters_are_told_by_their_type(annotation: Any, expected: str | None) -> None:
    assert types.parameter_type(annotation) == expected


def test_an_optional_is_taken_off_whichever_way_it_is_written() -> None:
    for annotation in (Optional[str], str | None, Union[None, str], Union[str, None]):
        assert types.without_optional(annotation) is str
    assert types.without_optional(Union[str, int]) == Union[str, int]


def test_paths_know_their_types() -> None:
    assert types.OutputPath(int).type is int
    assert types.OutputPath("Model").type == "system.Model@0.0.1"
    assert types.InputPath(Dataset).type == "system.Dataset@0.0.1"
    assert types.InputPath().type == "system.Artifact@0.0.1"
    assert types.InputPath("Other").type == "system.Artifact@0.0.1"
    assert types.InputPath() == types.InputPath("Other") != types.OutputPath()
    assert len({types.InputPath(Dataset), types.InputPath("Dataset")}) == 1


def test_records_are_dataclasses() -> None:
    config = types.TaskConfig(env=[{"name": "a"}])
    assert dataclasses.is_dataclass(config)
    assert dataclasses.asdict(config)["env"] == [{"name": "a"}]
    assert config != types.TaskConfig()
    status = types.PipelineTaskFinalStatus("COMPLETE", "run", "exit-handler-1", None, None)
    assert repr(status).startswith("PipelineTaskFinalStatus(state='COMPLETE', ")


def start(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headrace.component", *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, str]:
    """How to execute `f` of a module that writes 1 as its result."""
    (tmp_path / "module.py").write_text("def f() -> int:\n    return 1\n")
    executor_input = {"outputs": {"outputFile": str(tmp_path / "out" / "output.json")}}
    return {
        "component_module_path": str(tmp_path / "module.py"),
        "executor_input": json.dumps(executor_input),
        "function_to_execute": "f",
    }


def words(arguments: dict[str, str]) -> list[str]:
    return [word for name, value in arguments.items() for word in (f"--{name}", value)]


def test_a_module_says_what_it_made(tmp_path: Path, arguments: dict[str, str]) -> None:
    done = start(tmp_path, *words(arguments), "--unknown", "word")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "out" / "output.json").read_text()) == {
        "parameterValues": {"Output": 1}
    }


def test_a_module_of_an_image_is_found_by_its_configuration(
    tmp_path: Path, arguments: dict[str, str]
) -> None:
    del arguments["component_module_path"]
    missing = start(tmp_path, *words(arguments))
    assert missing.returncode == 1
    assert "has no component `f`. Its components: none" in missing.stderr
    (tmp_path / "kfp_config.ini").write_text("[Components]\nf = module.py\n")
    assert start(tmp_path, *words(arguments)).returncode == 0


@pytest.mark.parametrize(
    ("changed", "status", "expected"),
    [
        ({"executor_input": "{"}, 1, "--executor_input is not valid JSON: "),
        ({"executor_input": "{}"}, 1, "has no outputs.outputFile"),
        ({"function_to_execute": "g"}, 1, "module.py has no function 'g'."),
        ({"component_module_path": "other.py"}, 1, "other.py"),
        ({"component_module_path": "module.txt"}, 1, "module.txt is not a Python file."),
        ({"function_to_execute": ""}, 2, "--function_to_execute must be given"),
    ],
)
def test_a_fault_is_named(
    tmp_path: Path, arguments: dict[str, str], changed: dict[str, str], status: int, expected: str
) -> None:
    (tmp_path / "module.txt").write_text("")
    done = start(tmp_path, *words({**arguments, **changed}))
    assert done.returncode == status
    assert expected in done.stderr


def test_annotations_may_be_text(tmp_path: Path, arguments: dict[str, str]) -> None:
    (tmp_path / "module.py").write_text(
        "from __future__ import annotations\n"
        "from headrace.step.types import Input\n"
        "from headrace.step.artifacts import Dataset\n"
        "def f(data: Input[Dataset], n: int = 2) -> list[int]:\n"
        "    return [n, len(data.name)]\n"
    )
    given = json.loads(arguments["executor_input"])
    given["inputs"] = {"artifacts": {"data": {"artifacts": [{"name": "abc", "uri": "/a"}]}}}
    done = start(tmp_path, *words({**arguments, "executor_input": json.dumps(given)}))
    assert done.returncode == 0, done.stderr
    output = json.loads((tmp_path / "out" / "output.json").read_text())
    assert output["parameterValues"] == {"Output": [2, 3]}


def test_an_empty_list_of_artifacts_is_a_list(tmp_path: Path, arguments: dict[str, str]) -> None:
    """kfp's executor gives the function None, which no loop takes."""
    (tmp_path / "module.py").write_text(
        "from typing import List\n"
        "from headrace.step.artifacts import Dataset\n"
        "def f(data: List[Dataset]) -> int:\n"
        "    return len(data)\n"
    )
    given = json.loads(arguments["executor_input"])
    given["inputs"] = {"artifacts": {"data": {"artifacts": []}}}
    done = start(tmp_path, *words({**arguments, "executor_input": json.dumps(given)}))
    assert done.returncode == 0, done.stderr


def test_what_steps_carry_is_whole_and_no_more(tmp_path: Path) -> None:
    files = step_package.files()
    assert step_package.digest(files) == step_package.digest(dict(reversed(files.items())))
    assert step_package.digest(files) != step_package.digest({**files, "headrace/dsl.py": b""})
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    code = (
        "import headrace.step.main, headrace.step.executor, sys\n"
        "from headrace import dsl\n"
        "print([n for n in ('typing', 're', 'json', 'inspect', 'logging') if n in sys.modules],"
        "dsl.__all__ == [n for n in dsl.__all__ if hasattr(dsl, n)], headrace.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["[]", "True", f"{tmp_path}/headrace/__init__.py"], done.stderr


def test_a_step_sees_what_authors_see() -> None:
    from headrace import dsl
    from headrace.step import dsl as step_dsl

    for name in step_dsl.__all__:
        if name != "run_notebook":
            assert getattr(step_dsl, name) == getattr(dsl, name), name
    assert set(step_dsl.__all__) <= set(dsl.__all__)


def test_a_path_that_is_not_given_keeps_its_default(
    tmp_path: Path, arguments: dict[str, str]
) -> None:
    (tmp_path / "module.py").write_text(
        "from headrace.step.types import InputPath\n"
        "def f(data: InputPath('Dataset') = None) -> str:\n"
        "    return str(data)\n"
    )
    assert start(tmp_path, *words(arguments)).returncode == 0
    output = json.loads((tmp_path / "out" / "output.json").read_text())
    assert output["parameterValues"] == {"Output": "None"}
