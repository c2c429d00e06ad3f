"""Compiles a graph (``SHAPE``, YAML) of lightweight steps, and prints it. Run with kfp's Python.

Without postponed annotations, since the SDK reads the annotations themselves.
"""

import os
import sys
import tempfile
from pathlib import Path

import yaml
from kfp import compiler, dsl


@dsl.component(base_image="python:3.11")
def step(text: str) -> str:
    """Returns its input."""
    return text


def main() -> None:
    graph: dict[str, list[str]] = yaml.safe_load(os.environ["SHAPE"])

    @dsl.pipeline(name=f"bench-{sys.argv[1]}")
    def pipeline() -> None:
        made: dict[str, dsl.PipelineTask] = {}
        for name, upstream in graph.items():
            task = step(text=made[upstream[0]].output if upstream else "x")
            made[name] = task.after(*(made[other] for other in upstream))

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(pipeline, str(package))
        print(package.read_text())


main()
