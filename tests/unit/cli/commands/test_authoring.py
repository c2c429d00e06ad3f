"""``headrace compile`` and ``headrace init``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from headrace.cli import main


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_init_creates_a_project_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    made = json.loads(invoke("init", str(folder), "--json").stdout)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "pipeline.py"]
    assert made["folder"] == str(folder)
    (folder / "pipeline.py").write_text("mine")
    again = invoke("init", str(folder), "--json")
    assert json.loads(again.stderr)["error"]["code"] == "CONFLICT"
    assert (folder / "pipeline.py").read_text() == "mine"


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that writes the function's name."""

    class Compiler:
        def compile(self, function: Any, path: str) -> None:
            Path(path).write_text(f"name: {function.name}\n")

    module = ModuleType("headrace.compiler")
    module.Compiler = Compiler  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "headrace.compiler", module)


AUTHORED = """
class GraphComponent:
    def __init__(self, name):
        self.name = name
GraphComponent.__module__ = "headrace.dsl.base"
"""


def test_compile(tmp_path: Path, compiler: None) -> None:
    source = tmp_path / "mine.py"
    source.write_text(AUTHORED + "one = same = GraphComponent('one')\n")
    result = json.loads(invoke("compile", str(source), "--json").stdout)
    assert result["package"] == str(tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "name: one\n"
    source.write_text(AUTHORED + "one = GraphComponent('one'); two = GraphComponent('two')\n")
    several = invoke("compile", str(source))
    assert "has several pipelines: one, two; select one with --function" in several.stderr
    assert invoke("compile", str(source), "--function", "two").exit_code == 0
    assert (tmp_path / "mine.yaml").read_text() == "name: two\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "has no function decorated with @dsl.pipeline"),
        ("\n1 / 0\n", "line 2: ZeroDivisionError"),
        ("def (", "SyntaxError"),
    ],
)
def test_errors_of_compile(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "mine.py"
    source.write_text(text)
    result = invoke("compile", str(source))
    assert (result.exit_code, message in result.stderr) == (1, True), result.stderr
    assert not (tmp_path / "mine.yaml").exists()
