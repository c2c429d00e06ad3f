"""The measured pipelines: each shape of graph, with a step that does nothing, a lightweight step
that
the real kfp SDK compiles, and the same step compiled by Headrace."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any

import yaml
from headrace.authoring import bootstrap

from tests.support.deployment import ROOT
from tests.support.graphs import shell_pipeline

_KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
_NO_OP = ("sh", "-c", ': > "$0"', "{{$.outputs.parameters['value'].output_file}}")


@dataclass(frozen=True, slots=True)
class Shape:
    """A graph, how many runs of it are submitted at once, and the dependencies of its steps."""

    name: str
    graph: dict[str, list[str]]
    runs: int = 1
    parallel: int = 2
    """How many steps can run at the same time, two at most."""

    @property
    def steps(self) -> int:
        """The number of steps of all runs."""
        return len(self.graph) * self.runs


def chain(length: int) -> dict[str, list[str]]:
    """Each task takes the output of the previous one."""
    return {f"t{i}": [f"t{i - 1}"] if i else [] for i in range(length)}


def fan_out(width: int) -> dict[str, list[str]]:
    """Independent tasks, and a last one that takes all their outputs."""
    tasks: dict[str, list[str]] = {f"t{i}": [] for i in range(width)}
    return {**tasks, "join": list(tasks)}


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("chain", chain(50), parallel=1),
        Shape("fan-out", fan_out(200)),
        Shape("runs", chain(10), runs=20),
    )
}


def no_op(shape: Shape) -> dict[str, Any]:
    """The shape with a container step that only writes its output file."""
    return shell_pipeline(shape.graph, name=f"bench-{shape.name}", command=_NO_OP)


def lightweight(shape: Shape) -> dict[str, Any]:
    """The shape with a Python step, as the kfp SDK compiles it."""
    done = subprocess.run(
        [str(_KFP_PYTHON), str(ROOT / "tests/bench/kfp_steps.py"), shape.name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"SHAPE": yaml.safe_dump(shape.graph, sort_keys=False), "PATH": "/usr/bin:/bin"},
    )
    compiled: dict[str, Any] = yaml.safe_load(done.stdout)
    return compiled


def own(shape: Shape) -> dict[str, Any]:
    """The shape with a Python step of Headrace's own SDK."""
    spec = shell_pipeline(shape.graph, name=f"bench-{shape.name}")
    source = bootstrap.source('def step(text: str = "x") -> str:\n    return text\n')
    for name, upstream in shape.graph.items():
        component = spec["components"][f"comp-{name}"]
        component["outputDefinitions"] = {"parameters": {"Output": {"parameterType": "STRING"}}}
        spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"] = {
            "image": "python:3.11",
            "command": bootstrap.lightweight_command(source),
            "args": bootstrap.arguments("step"),
        }
        given = component["inputDefinitions"]["parameters"]
        inputs = spec["root"]["dag"]["tasks"][name]["inputs"]["parameters"]
        for value in inputs.values():
            value["taskOutputParameter"]["outputParameterKey"] = "Output"
        if upstream:
            given["text"] = given.pop(f"from-{upstream[0]}")
            inputs["text"] = inputs.pop(f"from-{upstream[0]}")
    return spec


STEPS = {"no-op": no_op, "kfp": lightweight, "headrace": own}
