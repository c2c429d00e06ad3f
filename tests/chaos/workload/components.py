"""The steps of the workload as components. They run ``step.py``, which records each execution."""

# No `from __future__ import annotations`: the SDK reads the annotations of components.
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import dsl

STEP = Path(__file__).with_name("step.py")


@dataclass(frozen=True, slots=True)
class Steps:
    """The components. Each has a nonce of its execution as output, where it has outputs."""

    give: Any
    """A parameter and an artifact of the same execution."""
    take: Any
    """Both of them, compared by the check of effects."""
    act: Any
    """No inputs or outputs; options say what it does."""
    give_python: Any
    take_python: Any


def make_steps(folder: Path) -> Steps:
    """The components, whose executions are recorded in `folder`."""
    command = ["python3", "-I", "-S", str(STEP), str(folder)]

    @dsl.container_component
    def give(
        tag: str,
        seconds: float,
        failures: int,
        size: int,
        nonce: dsl.OutputPath(str),
        content: dsl.Output[dsl.Artifact],
    ):
        return dsl.ContainerSpec(
            image="none",
            command=[*command, "give"],
            args=[
                dsl.ConcatPlaceholder(["tag=", tag]),
                dsl.ConcatPlaceholder(["seconds=", seconds]),
                dsl.ConcatPlaceholder(["failures=", failures]),
                dsl.ConcatPlaceholder(["bytes=", size]),
                dsl.ConcatPlaceholder(["out-parameter=", nonce]),
                dsl.ConcatPlaceholder(["out-artifact=", content.path]),
            ],
        )

    @dsl.container_component
    def take(tag: str, nonce: str, content: dsl.Input[dsl.Artifact], own: dsl.OutputPath(str)):
        return dsl.ContainerSpec(
            image="none",
            command=[*command, "take"],
            args=[
                dsl.ConcatPlaceholder(["tag=", tag]),
                dsl.ConcatPlaceholder(["parameter=", nonce]),
                dsl.ConcatPlaceholder(["artifact=", content.path]),
                dsl.ConcatPlaceholder(["out-parameter=", own]),
            ],
        )

    def act(*options: str) -> Any:
        @dsl.container_component
        def act(tag: str, seconds: float):
            return dsl.ContainerSpec(
                image="none",
                command=[*command, "act"],
                args=[
                    dsl.ConcatPlaceholder(["tag=", tag]),
                    dsl.ConcatPlaceholder(["seconds=", seconds]),
                    *options,
                ],
            )

        return act

    return Steps(give, take, act, *_python_steps(folder))


def _python_steps(folder: Path) -> tuple[Any, Any]:
    """The same as components of Python functions, which Headrace starts in another way."""

    @dsl.component
    def give_python(
        tag: str,
        step: str,
        folder: str,
        nonce: dsl.OutputPath(str),
        content: dsl.Output[dsl.Artifact],
    ):
        import subprocess

        options = [f"tag={tag}", f"out-parameter={nonce}", f"out-artifact={content.path}"]
        subprocess.run(
            ["python3", "-I", "-S", step, folder, "give", *options],
            check=True,
        )

    @dsl.component
    def take_python(
        tag: str, step: str, folder: str, nonce: str, content: dsl.Input[dsl.Artifact]
    ) -> str:
        import subprocess

        options = [f"tag={tag}", f"parameter={nonce}", f"artifact={content.path}"]
        subprocess.run(
            ["python3", "-I", "-S", step, folder, "take", *options],
            check=True,
        )
        return nonce

    bind = functools.partial
    places = {"step": str(STEP), "folder": str(folder)}
    return bind(give_python, **places), bind(take_python, **places)
