"""The commands that need no deployment, and how a wrong use is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from headrace.cli import main
from headrace.cli.lint import check, check_parameters

from tests.support.deployment import ROOT

TRAINING = ROOT / "examples" / "training" / "pipeline.yaml"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def spec() -> dict[str, Any]:
    return dict(next(yaml.safe_load_all(TRAINING.read_text())))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frob", "--json"], "No such command 'frob'."),
        (["--json", "run"], "a command is missing"),
        (["run", "list", "--json", "--bogus"], "No such option '--bogus'"),
        (["run", "get", "--json"], "Missing argument 'RUN_ID'."),
        (["run", "list", "-n", "0", "--json"], "Invalid value for '-n' / '--count'"),
        (["completion", "csh", "--json"], "Invalid value for '{bash|zsh|fish}'"),
    ],
)
def test_a_wrong_use_is_told_as_json(arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stderr) == (2, "")
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "USAGE"
    assert error["message"].startswith(message)
    told = invoke(*[one for one in arguments if one != "--json"])
    assert (told.exit_code, told.stdout) == (2, "") or "Usage" in told.output


def test_what_stands_behind_two_dashes_is_no_option() -> None:
    result = invoke("run", "get", "a", "--", "--json")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = invoke("completion", shell)
    assert (result.exit_code, "_HEADRACE_COMPLETE" in result.stdout) == (0, True)
    assert json.loads(invoke("completion", shell, "--json").stdout)["shell"] == shell


def test_completion_without_a_deployment(tmp_path: Path) -> None:
    words = {
        "COMP_WORDS": f"headrace --data {tmp_path} run get ",
        "COMP_CWORD": "5",
        "_HEADRACE_COMPLETE": "bash_complete",
    }
    result = CliRunner().invoke(main, [], env=words, prog_name="headrace")
    assert (result.exit_code, result.output.strip()) == (0, "")


def test_a_good_pipeline_has_no_findings() -> None:
    assert check(spec()) == []
    result = invoke("lint", str(TRAINING), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"errors": 0, "warnings": 0, "findings": []}


def broken(change: str) -> dict[str, Any]:
    made = spec()
    tasks = made["root"]["dag"]["tasks"]
    executors = made["deploymentSpec"]["executors"]
    inputs = tasks["prepare"]["inputs"]["parameters"]
    components = made["components"]
    changes: dict[str, Any] = {
        "no such input": lambda: inputs.update(depth={"componentInputParameter": "seed"}),
        "no such parameter": lambda: inputs["seed"].update(componentInputParameter="sed"),
        "nothing passed": lambda: inputs.pop("seed"),
        "wrong constant": lambda: inputs.update(seed={"runtimeValue": {"constant": "seven"}}),
        "wrong type": lambda: inputs.update(
            seed={
                "taskOutputParameter": {
                    "producerTask": "choose-better",
                    "outputParameterKey": "name",
                }
            }
        ),
        "wrong artifact": lambda: tasks["predict"]["inputs"]["artifacts"].update(
            model={"taskOutputArtifact": {"producerTask": "prepare", "outputArtifactKey": "train"}}
        ),
        "no such output": lambda: tasks["evaluate"]["inputs"]["artifacts"]["predictions"][
            "taskOutputArtifact"
        ].update(outputArtifactKey="x"),
        "no such task": lambda: tasks["evaluate"]["dependentTasks"].append("x"),
        "a circle": lambda: tasks["prepare"].update(dependentTasks=["choose-better"]),
        "unused": lambda: components.update(spare={"executorLabel": "exec-prepare"}),
        "never": lambda: tasks["evaluate"].update(triggerPolicy={"condition": "false"}),
        "no component": lambda: components.pop("comp-prepare"),
        "no executor": lambda: executors.pop("exec-prepare"),
        "no version": lambda: executors["exec-prepare"]["container"].update(
            command=["sh", "-c", "python3 -m pip install -q 'numpy' pandas>=2 -r x.txt && run it"]
        ),
        "latest": lambda: executors["exec-prepare"]["container"].update(image="a.b:5000/python"),
        "wrong default": lambda: made["root"]["inputDefinitions"]["parameters"]["seed"].update(
            defaultValue=0.5
        ),
        "lost output": lambda: made["root"]["dag"]["outputs"]["parameters"]["accuracy"][
            "valueFromParameter"
        ].update(outputParameterKey="x"),
    }
    changes[change]()
    return made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("no such input", {"warning unknown-input root.prepare.inputs.depth"}),
        ("no such parameter", {"error unknown-input root.prepare.inputs.seed"}),
        ("nothing passed", {"error missing-input root.prepare.inputs.seed"}),
        ("wrong constant", {"error type-mismatch root.prepare.inputs.seed"}),
        ("wrong type", {"error type-mismatch root.prepare.inputs.seed"}),
        ("wrong artifact", {"error type-mismatch root.predict.inputs.model"}),
        ("no such output", {"error unknown-input root.evaluate.inputs.predictions"}),
        ("no such task", {"error unreachable root.evaluate"}),
        ("unused", {"warning unreachable components.spare"}),
        ("never", {"warning unreachable root.evaluate"}),
        ("no component", {"error unknown-component root.prepare"}),
        ("no executor", {"error unknown-executor components.comp-prepare"}),
        ("no version", {"warning not-pinned deploymentSpec.executors.exec-prepare"}),
        ("latest", {"warning not-pinned deploymentSpec.executors.exec-prepare"}),
        ("wrong default", {"error type-mismatch root.seed"}),
        ("lost output", {"error unknown-input root.outputs.accuracy"}),
    ],
)
def test_what_lint_finds(change: str, expected: set[str]) -> None:
    found = check(broken(change))
    assert expected <= {f"{one.severity} {one.rule} {one.place}" for one in found}, found


def test_a_circle_is_found() -> None:
    stuck = {one.place for one in check(broken("a circle")) if one.rule == "unreachable"}
    assert "root.prepare" in stuck
    assert "root.choose-better" in stuck


def test_packages_that_are_not_pinned_are_named() -> None:
    words = [one.message for one in check(broken("no version"))]
    assert [word.split("'")[1] for word in words] == ["numpy", "pandas"]


def test_parameters_are_checked_too() -> None:
    found = check_parameters(spec(), {"seed": "x", "sed": 1})
    assert [(one.rule, one.place) for one in found] == [
        ("unknown-input", "parameters.sed"),
        ("type-mismatch", "parameters.seed"),
    ]


def test_lint_fails_on_errors_and_if_asked_on_warnings(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(broken("unused")))
    assert invoke("lint", str(path)).exit_code == 0
    assert invoke("lint", str(path), "--strict").exit_code == 1
    path.write_text(yaml.safe_dump(broken("nothing passed")))
    result = invoke("lint", str(path))
    assert (result.exit_code, "root.prepare.inputs.seed" in result.stdout) == (1, True)


@pytest.mark.parametrize("text", ["{", "- 1", "", "a: 1"])
def test_what_is_no_pipeline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    assert invoke("lint", str(path), "--json").exit_code == 1


def test_init_makes_a_project_and_overwrites_nothing(tmp_path: Path) -> None:
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
    assert "has several pipelines: one, two; name one by --function" in several.stderr
    assert invoke("compile", str(source), "--function", "two").exit_code == 0
    assert (tmp_path / "mine.yaml").read_text() == "name: two\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "has no function with @dsl.pipeline"),
        ("\n1 / 0\n", "line 2: ZeroDivisionError"),
        ("def (", "SyntaxError"),
    ],
)
def test_what_does_not_compile(tmp_path: Path, text: str, words: str) -> None:
    source = tmp_path / "mine.py"
    source.write_text(text)
    result = invoke("compile", str(source))
    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr
    assert not (tmp_path / "mine.yaml").exists()
