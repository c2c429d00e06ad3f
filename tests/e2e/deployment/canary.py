"""A run that shows that a deployment works: two steps that pass a parameter on."""

from __future__ import annotations

from typing import Any

import httpx
from headrace_local import control
from headrace_local.data import Data

from tests.support.deployment import Deployment
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

_ENDED = ("SUCCEEDED", "FAILED", "CANCELED")
_COMMAND = ("sh", "-c", 'printf ok > "$0"', "{{$.outputs.parameters['value'].output_file}}")
_SPEC = shell_pipeline({"a": [], "b": ["a"]}, command=_COMMAND, outputs=["b"])


class Canary:
    """Submits the same small pipeline again and again."""

    def __init__(self, deployment: Deployment, spec: Any = _SPEC) -> None:
        self._deployment = deployment
        self._spec = spec

    def begin(self) -> str | None:
        """Submit a run; None if it was not accepted."""
        body = {"pipeline_spec": self._spec, "caching": False}
        accepted = self._request("POST", "runs", body)
        return None if accepted is None else str(accepted["run_id"])

    def ends(self, run_id: str) -> str:
        """Wait for the end of a run that was accepted; requests before may fail."""

        def state() -> str | None:
            run = self._request("GET", f"runs/{run_id}") or {}
            return run["state"] if run.get("state") in _ENDED else None

        return str(until(state))

    def succeeds(self) -> None:
        """A run is accepted, at once or after a while, and succeeds."""
        run_id = until(self.begin)
        assert run_id is not None
        assert self.ends(run_id) == "SUCCEEDED"

    def _request(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """The answer to a request; None if the deployment is not available."""
        url = f"{self._deployment.url}/api/v1/{path}"
        try:
            with httpx.Client(trust_env=False, timeout=30) as client:
                response = client.request(method, url, json=body)
        except httpx.TransportError:
            return None
        assert response.status_code < 500 or response.status_code in (502, 503, 504, 507), response
        return dict(response.json()) if response.is_success else None


def look(deployment: Deployment) -> control.View:
    """What `headrace status` sees."""
    return control.look(Data(deployment.data))


def pid_of(deployment: Deployment, name: str) -> int:
    """The process of a program, once it runs."""
    processes = until(lambda: look(deployment).content.get("processes"), pause=0.02)
    assert processes is not None
    return int(until(lambda: look(deployment).content["processes"][name]["pid"], pause=0.02))
