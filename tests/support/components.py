"""Runs the command of a v1 ``component.yaml`` as a process, without a deployment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from headrace_executor.core.bootstrap import RequirementSet, recognise


class Component:
    """One component and its command."""

    def __init__(self, path: Path) -> None:
        self.spec: dict[str, Any] = yaml.safe_load(path.read_text())

    @property
    def requirements(self) -> RequirementSet:
        """The packages that it installs, as the executor reads its command."""
        bootstrap = recognise(tuple(self._container["command"]))
        assert bootstrap is not None
        return bootstrap.requirement_set

    def command(
        self,
        inputs: Mapping[str, object],
        outputs: Mapping[str, Path] | None = None,
        python: Path = Path(sys.executable),
    ) -> list[str]:
        """Its command line without the installation. `inputs`, `outputs`: by name."""
        words = list(self._container["command"])
        bootstrap = recognise(tuple(words))
        if bootstrap is not None:
            words = list(bootstrap.argv)
        for word in self._container["args"]:
            if isinstance(word, str):
                words.append(word)
            elif "inputValue" in word:
                words.append(str(inputs[word["inputValue"]]))
            else:
                words.append(str((outputs or {})[word["outputPath"]]))
        return [str(python), *words[1:]] if words[0] == "python3" else words

    def run(
        self,
        inputs: Mapping[str, object],
        outputs: Mapping[str, Path] | None = None,
        python: Path = Path(sys.executable),
    ) -> subprocess.CompletedProcess[str]:
        """Run it until it exits; standard error goes to standard output."""
        return subprocess.run(
            self.command(inputs, outputs, python),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def _container(self) -> dict[str, Any]:
        return self.spec["implementation"]["container"]
