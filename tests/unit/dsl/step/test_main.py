"""How a step starts: arguments, modules, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


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


def test_a_module_of_version_1(tmp_path: Path, arguments: dict[str, str]) -> None:
    done = start(tmp_path, *words(arguments), "--unknown", "word")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "out" / "output.json").read_text()) == {
        "parameterValues": {"Output": 1}
    }


def test_the_module_path_in_the_configuration_file(
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
def test_errors_name_the_fault(
    tmp_path: Path, arguments: dict[str, str], changed: dict[str, str], status: int, expected: str
) -> None:
    (tmp_path / "module.txt").write_text("")
    done = start(tmp_path, *words({**arguments, **changed}))
    assert done.returncode == status
    assert expected in done.stderr


def test_annotations_that_are_strings(tmp_path: Path, arguments: dict[str, str]) -> None:
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


def test_names_of_dsl_in_steps() -> None:
    from headrace import dsl
    from headrace.step import dsl as step_dsl

    for name in step_dsl.__all__:
        if name != "run_notebook":
            assert getattr(step_dsl, name) == getattr(dsl, name), name
    assert set(step_dsl.__all__) <= set(dsl.__all__)


def test_a_path_without_a_value_keeps_its_default(
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
