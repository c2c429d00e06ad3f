"""Compiles functions as version 1 pipelines, and finds parts of what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace import components, dsl


class Compiled:
    """The IR of a pipeline and its platform spec."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self.pipeline = dsl.pipeline(**options)(function) if options else dsl.pipeline(function)
        self.ir = self.pipeline.pipeline_spec
        self.root = self.ir["root"]
        self.tasks = self.root["dag"]["tasks"]

    def component(self, name: str) -> Any:
        return self.ir["components"][f"comp-{name}"]

    def container(self, name: str) -> Any:
        return self.ir["deploymentSpec"]["executors"][f"exec-{name}"]["container"]

    def words(self, name: str) -> list[str]:
        """The command and arguments of a step, without the shell around them."""
        container = self.container(name)
        words = [*container.get("command", []), *container.get("args", [])]
        if words[:2] == ["sh", "-ec"] and "shift " in words[2]:
            taken = int(words[2].partition("shift ")[2].split()[0])
            words = words[4 + taken :]
        return words

    def shell(self, name: str) -> tuple[str, list[str]]:
        """The script of the shell around a step's command, and its arguments."""
        command = self.container(name)["command"]
        assert command[:2] == ["sh", "-ec"]
        taken = int(command[2].partition("shift ")[2].split()[0])
        return command[2], command[4 : 4 + taken]

    def settings(self, name: str) -> Any:
        """What the platform spec says of a step."""
        platform = self.pipeline.platform_spec["platforms"]["kubernetes"]
        return platform["deploymentSpec"]["executors"][f"exec-{name}"]


def op(name: str = "step", **more: Any) -> Any:
    """An op that needs no more to be one."""
    return dsl.ContainerOp(
        **{"name": name, "image": "alpine", "command": ["true"], "output_artifact_paths": {}} | more
    )


def load(
    inputs: str = "", outputs: str = "", container: str = "command: [run]", **more: str
) -> Any:
    """A component of a file."""
    text = f"""
name: {more.get("name", "Some Component")}
metadata: {more.get("metadata", "{}")}
inputs: [{inputs}]
outputs: [{outputs}]
implementation:
  container:
    image: alpine
    {container}
"""
    return components.load_component_from_text(text)
