"""The files that backends give to steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from headrace import step_package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the step package, for `PYTHONPATH`."""
    for name, content in step_package.files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_digest_depends_on_contents_only() -> None:
    files = step_package.files()
    assert step_package.digest(files) == step_package.digest(dict(reversed(files.items())))
    assert step_package.digest(files) != step_package.digest({**files, "headrace/dsl.py": b""})


def test_the_step_package_is_complete_and_minimal(folder: Path) -> None:
    code = (
        "import headrace.component.main, headrace.step.executor, sys\n"
        "from headrace import dsl\n"
        "print([n for n in ('typing', 're', 'json', 'inspect', 'logging') if n in sys.modules],"
        "dsl.__all__ == [n for n in dsl.__all__ if hasattr(dsl, n)], headrace.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["[]", "True", f"{folder}/headrace/__init__.py"], done.stderr


@pytest.mark.parametrize(
    "statement",
    ["from headrace import compiler", "import headrace.compiler", "from headrace import Client"],
)
def test_an_import_of_the_rest_of_the_sdk_is_explained(folder: Path, statement: str) -> None:
    module = folder / "module.py"
    module.write_text(f"def f() -> int:\n    {statement}\n    return 1\n")
    arguments = {
        "component_module_path": str(module),
        "executor_input": json.dumps({"outputs": {"outputFile": str(folder / "output.json")}}),
        "function_to_execute": "f",
    }
    words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "headrace.component", *words],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert (
        ": this step has only headrace.dsl. To use the rest of the SDK, add headrace to the "
        "component's packages_to_install."
    ) in done.stderr
