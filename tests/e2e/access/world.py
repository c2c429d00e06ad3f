"""A deployment with several users, and the objects of the namespace ``team-b``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from headrace_contracts.access import HEADER, Access

from tests.support.deployment import Deployment
from tests.support.issuer import FakeIssuer
from tests.support.routes import SPEC, Row, Takes
from tests.support.waiting import until

SECRET = "secret-b"
"""A text in each object of ``team-b``."""
_ENDED = ("SUCCEEDED", "FAILED")


@dataclass
class World:
    """The deployment, and the objects in namespace ``team-b``."""

    url: str
    deployment: Deployment
    issuer: FakeIssuer
    tokens_file: Path
    ids: dict[str, str] = field(default_factory=dict)

    def ask(
        self, who: str | None, method: str, path: str, token: str | None = None, **options: Any
    ) -> tuple[int, str, httpx.Headers]:
        """Send a request. Returns status, body and headers; of an event stream, the first part."""
        headers = dict(options.pop("headers", {}))
        if who is not None or token is not None:
            headers["Authorization"] = f"Bearer {token or who}"
        with (
            httpx.Client(trust_env=False, timeout=300) as client,
            client.stream(method, self.url + path, headers=headers, **options) as response,
        ):
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                return response.status_code, next(response.iter_text()), response.headers
            return response.status_code, response.read().decode(errors="replace"), response.headers

    def row(self, who: str | None, row: Row, **more: Any) -> tuple[int, str]:
        """Send the request of a row as a user."""
        options: dict[str, Any] = {}
        query = {**row.query, **({"namespace": "team-b"} if row.takes is Takes.LIST else {})}
        if query:
            options["params"] = {k: self.fill(v) for k, v in query.items()}
        if row.file:
            package = yaml.safe_dump(SPEC).encode()
            options["files"] = {"uploadfile": ("x.yaml", package)}
            if row.path.startswith("/api/v1"):
                options = {"content": package, "params": options.get("params", {})}
        elif row.body is not None:
            options["json"] = json.loads(self.fill(json.dumps(row.body)))
        status, body, _ = self.ask(who, row.method, self.fill(row.path), **options, **more)
        return status, body

    def fill(self, text: str) -> str:
        """`text` with the names of objects filled in."""
        for name, value in self.ids.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def furnish(world: World) -> None:
    """Create two objects of each kind in ``team-b``, by requests to the services themselves."""
    ports = json.loads((world.deployment.data / "ports.json").read_text())
    secrets = json.loads((world.deployment.data / "secrets.json").read_text())
    headers = {
        "Authorization": f"Bearer {secrets['service_token']}",
        HEADER: Access.everywhere().to_header(),
    }
    api = httpx.Client(
        base_url=f"http://127.0.0.1:{ports['api']}", headers=headers, trust_env=False, timeout=300
    )
    recorder = httpx.Client(
        base_url=f"http://127.0.0.1:{ports['recorder']}",
        headers=headers,
        timeout=300,
        trust_env=False,
    )
    b = {"namespace": "team-b"}
    with api, recorder:
        experiment = _made(api.post("/experiments", json={"display_name": SECRET, **b}))
        package = yaml.safe_dump(SPEC).encode()
        pipeline = _made(api.post("/pipelines", content=package, params={"name": SECRET, **b}))
        other = f"{SECRET}-2"
        _made(api.post("/experiments", json={"display_name": other, **b}))
        _made(api.post("/pipelines", content=package, params={"name": other, **b}))
        path = f"/pipelines/{pipeline['pipeline_id']}/versions"
        version = api.get(path).json()["pipeline_versions"][0]
        request = {"pipeline_spec": SPEC, "display_name": SECRET, "experiment": SECRET, **b}
        submitted = [_made(api.post("/runs", json=request)) for _ in range(2)]
        trigger = {"trigger": {"interval_seconds": 86400}, "enabled": False}
        recurring, _ = [
            _made(api.post("/recurring-runs", json={**request, **trigger})) for _ in range(2)
        ]
        run = _ended(recorder, submitted[0]["run_id"])
        _ended(recorder, submitted[1]["run_id"])
    assert run["state"] == "SUCCEEDED", run
    task = next(task for task in run["tasks"] if task["name"] == "make")
    world.ids = {
        "namespace": "team-b",
        "name": SECRET,
        "experiment": experiment["experiment_id"],
        "pipeline": pipeline["pipeline_id"],
        "version": version["pipeline_version_id"],
        "run": run["run_id"],
        "recurring": recurring["recurring_run_id"],
        "task": task["task_id"],
        "artifact": task["outputs"]["artifacts"]["model"][0]["artifact_id"],
        "artifact_name": "model",
        "report": task["outputs"]["artifacts"]["report"][0]["artifact_id"],
        "position": "0",
        "operation": "archive",
        "anything": "nothing-of-the-kind",
    }


def _made(response: httpx.Response) -> Any:
    assert response.status_code < 300, response.text
    return response.json()


def _ended(recorder: httpx.Client, run_id: str) -> Any:
    def ended() -> Any:
        found = recorder.get(f"/runs/{run_id}")
        is_there = found.status_code == 200
        return found.json() if is_there and found.json()["state"] in _ENDED else None

    return until(ended)
