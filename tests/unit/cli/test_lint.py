"""The rules of ``headrace lint``, and the command."""

from __future__ import annotations

import json
from pathlib import Path
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
        "a cycle": lambda: tasks["prepare"].update(dependentTasks=["choose-better"]),
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
def test_findings(change: str, expected: set[str]) -> None:
    found = check(broken(change))
    assert expected <= {f"{one.severity} {one.rule} {one.place}" for one in found}, found


def test_a_dependency_cycle_is_found() -> None:
    stuck = {one.place for one in check(broken("a cycle")) if one.rule == "unreachable"}
    assert "root.prepare" in stuck
    assert "root.choose-better" in stuck


def test_unpinned_packages_are_named() -> None:
    messages = [one.message for one in check(broken("no version"))]
    assert [message.split("'")[1] for message in messages] == ["numpy", "pandas"]


def test_parameters_are_checked_too() -> None:
    found = check_parameters(spec(), {"seed": "x", "sed": 1})
    assert [(one.rule, one.place) for one in found] == [
        ("unknown-input", "parameters.sed"),
        ("type-mismatch", "parameters.seed"),
    ]


def test_lint_fails_on_errors_and_with_strict_on_warnings(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(broken("unused")))
    assert invoke("lint", str(path)).exit_code == 0
    assert invoke("lint", str(path), "--strict").exit_code == 1
    path.write_text(yaml.safe_dump(broken("nothing passed")))
    result = invoke("lint", str(path))
    assert (result.exit_code, "root.prepare.inputs.seed" in result.stdout) == (1, True)


@pytest.mark.parametrize("text", ["{", "- 1", "", "a: 1"])
def test_a_file_that_is_not_a_pipeline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    assert invoke("lint", str(path), "--json").exit_code == 1
