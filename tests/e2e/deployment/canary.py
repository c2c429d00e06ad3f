"""A run that shows that a deployment works: two steps that pass a parameter on."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support.deployment import Deployment
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")


class Canary:
    """Submits the same small pipeline again and again."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment = deployment
        self._package = folder / "canary.yaml"
        command = (
            "sh",
            "-c",
            'printf ok > "$0"',
            "{{$.outputs.parameters['value'].output_file}}",
        )
        spec = shell_pipeline({"a": [], "b": ["a"]}, command=command, outputs=["b"])
        self._package.write_text(yaml.safe_dump(spec))

    def begin(self) -> str | None:
        """Submit a run; None if it was not accepted."""
        done = self._deployment.json("run", "submit", str(self._package), "--no-cache", expect=None)
        return done.get("run_id")

    def ends(self, run_id: str) -> str:
        """Wait for the end of a run that was accepted; requests before may fail."""

        def state() -> str | None:
            run = self._deployment.json("run", "get", run_id, expect=None)
            return run.get("state") if run.get("state") in _ENDED else None

        return str(until(state, pause=0.3))

    def succeeds(self) -> None:
        """A run is accepted, at once or after a while, and succeeds."""
        run_id = until(self.begin, pause=0.3)
        assert run_id is not None
        assert self.ends(run_id) == "SUCCEEDED"
