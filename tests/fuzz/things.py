"""Creates one object of each kind, so that generated requests reach more than "not found"."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import yaml

from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

_OUTPUT = "{{$.outputs.parameters['value'].output_file}}"
_PAGE = "{{$.outputs.artifacts['page'].path}}"


def client_of(url: str, token: str | None = None) -> httpx.Client:
    """A client of ``/api/v1``."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=300, trust_env=False)


def make_things(client: httpx.Client) -> dict[str, str | int]:
    """Create the objects. Returns their IDs, by the names of path parameters."""
    name = f"fuzzed-{uuid4().hex[:8]}"
    spec = shell_pipeline(
        {"a": []},
        name=name,
        command=("sh", "-c", 'echo said; printf x | tee "$0" "$1"', _OUTPUT, _PAGE),
    )
    outputs = spec["components"]["comp-a"]["outputDefinitions"]
    kind = {"schemaTitle": "system.HTML", "schemaVersion": "0.0.1"}
    outputs["artifacts"] = {"page": {"artifactType": kind}}
    package = yaml.safe_dump(spec).encode()
    pipeline = _made(client.post("/pipelines", params={"name": name}, content=package))
    versions = _made(client.get(f"/pipelines/{pipeline['pipeline_id']}/versions"))
    experiment = _made(client.post("/experiments", json={"display_name": name}))
    recurring = _made(
        client.post(
            "/recurring-runs",
            json={
                "display_name": name,
                "trigger": {"cron": "0 3 1 1 *"},
                "pipeline": {"name": name},
            },
        )
    )
    run = _ended(client, _made(client.post("/runs", json={"pipeline": {"name": name}})))
    return {
        "run_id": run["run_id"],
        "task_id": run["tasks"][0]["task_id"],
        "artifact_id": run["tasks"][0]["outputs"]["artifacts"]["page"][0]["artifact_id"],
        "position": 0,
        "pipeline_id": pipeline["pipeline_id"],
        "version_id": versions["pipeline_versions"][0]["pipeline_version_id"],
        "pipeline_version_id": versions["pipeline_versions"][0]["pipeline_version_id"],
        "experiment_id": experiment["experiment_id"],
        "recurring_run_id": recurring["recurring_run_id"],
        "namespace": "default",
    }


def _made(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


def _ended(client: httpx.Client, run: dict[str, Any]) -> dict[str, Any]:
    def ended() -> Any:
        found = _made(client.get(f"/runs/{run['run_id']}"))
        return found if found.get("finished_at") else None

    return dict(until(ended))
