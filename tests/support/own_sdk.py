"""Pipelines that the kfp SDK compiled, with the commands that Headrace's own SDK writes."""

from __future__ import annotations

import re
from typing import Any

import yaml
from headrace.component import bootstrap
from headrace_executor.core.bootstrap import recognise, recognise_program

_HEADER = re.compile(
    r"\s*import kfp\nfrom kfp import dsl\nfrom kfp\.dsl import \*\nfrom typing import \*\n"
)
_SDK = ("kfp==", "typing-extensions>=3.7.4,<5;")


def with_own_commands_text(package: str) -> str:
    """The same of a package with all its documents."""
    first, *others = yaml.safe_load_all(package)
    return str(yaml.safe_dump_all([with_own_commands(first), *others]))


def with_own_commands(spec: dict[str, Any]) -> dict[str, Any]:
    """The same IR; each lightweight component is started by Headrace's executor."""
    executors = spec["deploymentSpec"]["executors"]
    changed = {
        label: {**executor, "container": _own(executor["container"])}
        if "container" in executor
        else executor
        for label, executor in executors.items()
    }
    return {**spec, "deploymentSpec": {**spec["deploymentSpec"], "executors": changed}}


def _own(container: dict[str, Any]) -> dict[str, Any]:
    command = tuple(container.get("command", ()))
    found = recognise((*command, "{{$}}"))
    program = recognise_program(found.argv if found is not None else command)
    if program is None:
        return container
    packages = [
        name
        for name in (found.requirement_set.requirements if found is not None else ())
        if not name.startswith(_SDK)
    ]
    source = bootstrap.source(_HEADER.sub("", program.source, count=1))
    return {**container, "command": bootstrap.lightweight_command(source, packages)}
