"""Every route of the gateway, and the access that a caller needs for it.

Names in braces stand for objects of another namespace; see `tests/e2e/access/test_isolation.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from starlette.routing import BaseRoute, Mount


class Takes(Enum):
    """The access that a route requires."""

    NOTHING = auto()
    """No credential."""
    CREDENTIAL = auto()
    """Any valid credential; the response has nothing of a namespace."""
    VIEWER = auto()
    """The viewer role in the object's namespace."""
    LIST = auto()
    """The viewer role in the namespace that the query names."""
    LIMITED = auto()
    """Any valid credential; the list has what its caller may see."""
    EDITOR = auto()
    """The editor role in the object's namespace."""
    ADMIN = auto()
    """The admin role in the namespace."""


@dataclass(frozen=True, slots=True)
class Row:
    """A route, and a request to it about an object of another namespace."""

    method: str
    path: str
    takes: Takes
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    file: bool = False
    """Whether the request is an upload of a package."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def key(self) -> str:
        """The route without its parameters' names, as `routes_of` yields it."""
        return route_key(self.method, self.path)


SPEC = {
    "pipelineInfo": {"name": "secret-b"},
    "schemaVersion": "2.1.0",
    "components": {
        "comp-make": {
            "executorLabel": "exec-make",
            "outputDefinitions": {
                "artifacts": {
                    name: {"artifactType": {"schemaTitle": kind, "schemaVersion": "0.0.1"}}
                    for name, kind in (("model", "system.Model"), ("report", "system.HTML"))
                }
            },
        }
    },
    "deploymentSpec": {
        "executors": {
            "exec-make": {
                "container": {
                    "image": "none",
                    "command": [
                        "sh",
                        "-c",
                        'echo secret-b | tee "$0" "$1"',
                        "{{$.outputs.artifacts['model'].path}}",
                        "{{$.outputs.artifacts['report'].path}}",
                    ],
                }
            }
        }
    },
    "root": {
        "dag": {
            "tasks": {"make": {"componentRef": {"name": "comp-make"}, "taskInfo": {"name": "make"}}}
        }
    },
}
_B = {"namespace": "{namespace}"}
_TRIGGER = {"trigger": {"interval_seconds": 3600}, "display_name": "x"}
_KFP_TRIGGER = {
    "display_name": "x",
    "mode": "ENABLE",
    "max_concurrency": "1",
    "trigger": {"periodic_schedule": {"interval_second": "3600"}},
}
_KFP_VERSION = {
    "display_name": "y",
    "package_url": {"pipeline_url": "https://example.invalid/x.yaml"},
}
_OWN = "/api/v1"
_KFP = "/apis/v2beta1"

_PAGES = (
    Row("GET", "/", Takes.CREDENTIAL),
    Row("GET", "/runs/{run}", Takes.CREDENTIAL),
)
_OWN_ROWS = (
    Row("GET", f"{_OWN}/healthz", Takes.NOTHING),
    Row("POST", f"{_OWN}/session", Takes.NOTHING, {"token": "x"}),
    Row("DELETE", f"{_OWN}/session", Takes.NOTHING),
    Row("GET", f"{_OWN}/me", Takes.CREDENTIAL),
    Row("GET", f"{_OWN}/info", Takes.CREDENTIAL),
    Row("GET", f"{_OWN}/openapi.json", Takes.CREDENTIAL),
    Row("POST", f"{_OWN}/runs", Takes.EDITOR, {"pipeline_spec": SPEC, **_B}),
    Row("GET", f"{_OWN}/runs", Takes.LIST),
    Row("GET", f"{_OWN}/runs/live", Takes.CREDENTIAL),
    Row("GET", f"{_OWN}/runs/{{run}}", Takes.VIEWER),
    Row("DELETE", f"{_OWN}/runs/{{run}}", Takes.EDITOR),
    Row("GET", f"{_OWN}/runs/{{run}}/live", Takes.VIEWER),
    Row("POST", f"{_OWN}/runs/{{run}}/cancel", Takes.EDITOR),
    Row("POST", f"{_OWN}/runs/{{run}}/pause", Takes.EDITOR),
    Row("POST", f"{_OWN}/runs/{{run}}/resume", Takes.EDITOR),
    Row("POST", f"{_OWN}/runs/{{run}}/retry", Takes.EDITOR),
    Row("POST", f"{_OWN}/runs/{{run}}/archive", Takes.EDITOR),
    Row("POST", f"{_OWN}/runs/{{run}}/unarchive", Takes.EDITOR),
    Row("GET", f"{_OWN}/runs/{{run}}/rerun-preview", Takes.VIEWER, query={"task": "root/make"}),
    Row("GET", f"{_OWN}/runs/{{run}}/tasks", Takes.VIEWER),
    Row("GET", f"{_OWN}/tasks", Takes.LIST),
    Row("GET", f"{_OWN}/tasks/{{task}}", Takes.VIEWER),
    Row("GET", f"{_OWN}/tasks/{{task}}/artifacts", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/tasks/{{task}}/cache", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/events", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/events/live", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/tasks/{{task}}/log", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/tasks/{{task}}/artifacts/{{artifact_name}}", Takes.VIEWER),
    Row("GET", f"{_OWN}/artifacts", Takes.LIST),
    Row("GET", f"{_OWN}/artifacts/{{artifact}}", Takes.VIEWER),
    Row("GET", f"{_OWN}/artifacts/{{artifact}}/tasks", Takes.VIEWER),
    Row("GET", f"{_OWN}/artifacts/{{artifact}}/content", Takes.VIEWER),
    Row("GET", f"{_OWN}/runs/{{run}}/visualizations", Takes.VIEWER, query={"task_id": "{task}"}),
    Row("GET", f"{_OWN}/artifacts/{{report}}/visualizations", Takes.VIEWER),
    Row("GET", f"{_OWN}/artifacts/{{report}}/visualizations/{{position}}/page", Takes.VIEWER),
    Row("POST", f"{_OWN}/experiments", Takes.EDITOR, {"display_name": "x", **_B}),
    Row("GET", f"{_OWN}/experiments", Takes.LIST),
    Row("GET", f"{_OWN}/experiments/{{experiment}}", Takes.VIEWER),
    Row("DELETE", f"{_OWN}/experiments/{{experiment}}", Takes.EDITOR),
    Row("POST", f"{_OWN}/experiments/{{experiment}}/archive", Takes.EDITOR),
    Row("POST", f"{_OWN}/experiments/{{experiment}}/unarchive", Takes.EDITOR),
    Row("POST", f"{_OWN}/pipelines", Takes.EDITOR, query={"name": "x", **_B}, file=True),
    Row("GET", f"{_OWN}/pipelines", Takes.LIST),
    Row("GET", f"{_OWN}/pipelines/by-name/{{name}}", Takes.VIEWER, query=_B),
    Row("GET", f"{_OWN}/pipelines/{{pipeline}}", Takes.VIEWER),
    Row("PATCH", f"{_OWN}/pipelines/{{pipeline}}", Takes.ADMIN, {"max_active_runs": 3}),
    Row("DELETE", f"{_OWN}/pipelines/{{pipeline}}", Takes.EDITOR),
    Row(
        "POST",
        f"{_OWN}/pipelines/{{pipeline}}/versions",
        Takes.EDITOR,
        query={"name": "y"},
        file=True,
    ),
    Row("GET", f"{_OWN}/pipelines/{{pipeline}}/versions", Takes.VIEWER),
    Row("GET", f"{_OWN}/pipelines/{{pipeline}}/versions/{{version}}", Takes.VIEWER),
    Row(
        "PATCH",
        f"{_OWN}/pipelines/{{pipeline}}/versions/{{version}}",
        Takes.EDITOR,
        {"display_name": "x"},
    ),
    Row("DELETE", f"{_OWN}/pipelines/{{pipeline}}/versions/{{version}}", Takes.EDITOR),
    Row("POST", f"{_OWN}/recurring-runs", Takes.EDITOR, {"pipeline_spec": SPEC, **_TRIGGER, **_B}),
    Row("GET", f"{_OWN}/recurring-runs", Takes.LIST),
    Row("GET", f"{_OWN}/recurring-runs/{{recurring}}", Takes.VIEWER),
    Row("PATCH", f"{_OWN}/recurring-runs/{{recurring}}", Takes.EDITOR, {"description": "x"}),
    Row("DELETE", f"{_OWN}/recurring-runs/{{recurring}}", Takes.EDITOR),
    Row("POST", f"{_OWN}/recurring-runs/{{recurring}}/enable", Takes.EDITOR),
    Row("POST", f"{_OWN}/recurring-runs/{{recurring}}/disable", Takes.EDITOR),
    Row("GET", f"{_OWN}/recurring-runs/{{recurring}}/next", Takes.VIEWER),
    Row("GET", f"{_OWN}/namespaces/{{namespace}}/limits", Takes.VIEWER),
    Row("PUT", f"{_OWN}/namespaces/{{namespace}}/limits", Takes.ADMIN, {"max_active_runs": 3}),
)
_KFP_ROWS = (
    Row("GET", f"{_KFP}/healthz", Takes.NOTHING),
    Row("GET", "/apis/v1beta1/healthz", Takes.NOTHING),
    Row("GET", f"{_KFP}/openapi.json", Takes.CREDENTIAL),
    Row(
        "GET",
        f"{_KFP}/auth",
        Takes.VIEWER,
        query={"resources": "VIEWERS", "verb": "GET", **_B},
    ),
    Row("POST", f"{_KFP}/pipelines/upload", Takes.EDITOR, query={"name": "x", **_B}, file=True),
    Row(
        "POST",
        f"{_KFP}/pipelines/upload_version",
        Takes.EDITOR,
        query={"name": "y", "pipelineid": "{pipeline}"},
        file=True,
    ),
    Row("GET", f"{_KFP}/pipelines", Takes.LIST),
    Row("POST", f"{_KFP}/pipelines", Takes.EDITOR, {"display_name": "x", **_B}),
    Row(
        "POST",
        f"{_KFP}/pipelines/create",
        Takes.EDITOR,
        {"pipeline": {"display_name": "x", **_B}, "pipeline_version": _KFP_VERSION},
    ),
    Row("GET", f"{_KFP}/pipelines/names/{{name}}", Takes.VIEWER, query=_B),
    Row("GET", f"{_KFP}/pipelines/{{pipeline}}", Takes.VIEWER),
    Row("PATCH", f"{_KFP}/pipelines/{{pipeline}}", Takes.EDITOR, {"display_name": "x"}),
    Row("DELETE", f"{_KFP}/pipelines/{{pipeline}}", Takes.EDITOR),
    Row("GET", f"{_KFP}/pipelines/{{pipeline}}/versions", Takes.VIEWER),
    Row(
        "POST",
        f"{_KFP}/pipelines/{{pipeline}}/versions",
        Takes.EDITOR,
        {"pipeline_id": "{pipeline}", **_KFP_VERSION},
    ),
    Row("GET", f"{_KFP}/pipelines/{{pipeline}}/versions/{{version}}", Takes.VIEWER),
    Row(
        "PATCH",
        f"{_KFP}/pipelines/{{pipeline}}/versions/{{version}}",
        Takes.EDITOR,
        {"display_name": "x"},
    ),
    Row("DELETE", f"{_KFP}/pipelines/{{pipeline}}/versions/{{version}}", Takes.EDITOR),
    Row("GET", f"{_KFP}/experiments", Takes.LIST),
    Row("POST", f"{_KFP}/experiments", Takes.EDITOR, {"display_name": "x", **_B}),
    Row("GET", f"{_KFP}/experiments/{{experiment}}", Takes.VIEWER),
    Row("DELETE", f"{_KFP}/experiments/{{experiment}}", Takes.EDITOR),
    Row("POST", f"{_KFP}/experiments/{{experiment}}:archive", Takes.EDITOR),
    Row("POST", f"{_KFP}/experiments/{{experiment}}:unarchive", Takes.EDITOR),
    Row("GET", f"{_KFP}/runs", Takes.LIST),
    Row(
        "POST",
        f"{_KFP}/runs",
        Takes.EDITOR,
        {"display_name": "x", "experiment_id": "{experiment}", "pipeline_spec": SPEC},
    ),
    Row("GET", f"{_KFP}/runs/{{run}}", Takes.VIEWER),
    Row("DELETE", f"{_KFP}/runs/{{run}}", Takes.EDITOR),
    Row("POST", f"{_KFP}/runs/{{run}}:terminate", Takes.EDITOR),
    Row("POST", f"{_KFP}/runs/{{run}}:retry", Takes.EDITOR),
    Row("POST", f"{_KFP}/runs/{{run}}:archive", Takes.EDITOR),
    Row("POST", f"{_KFP}/runs/{{run}}:unarchive", Takes.EDITOR),
    Row(
        "GET", f"{_KFP}/runs/{{run}}/nodes/{{task}}/artifacts/{{artifact_name}}:read", Takes.VIEWER
    ),
    Row("GET", "/apis/v1alpha1/runs/{run}/nodes/{task}/log", Takes.VIEWER),
    Row(
        "POST",
        f"{_KFP}/recurringruns",
        Takes.EDITOR,
        {**_KFP_TRIGGER, "experiment_id": "{experiment}", "pipeline_spec": SPEC},
    ),
    Row("GET", f"{_KFP}/recurringruns", Takes.LIST),
    Row("GET", f"{_KFP}/recurringruns/{{recurring}}", Takes.VIEWER),
    Row("DELETE", f"{_KFP}/recurringruns/{{recurring}}", Takes.EDITOR),
    Row("POST", f"{_KFP}/recurringruns/{{recurring}}:enable", Takes.EDITOR),
    Row("POST", f"{_KFP}/recurringruns/{{recurring}}:disable", Takes.EDITOR),
    Row("GET", f"{_KFP}/artifacts", Takes.LIST),
    Row("GET", f"{_KFP}/artifacts/{{artifact}}", Takes.VIEWER),
    Row("GET", f"{_KFP}/artifact_tasks", Takes.LIMITED, query={"artifact_ids": "{artifact}"}),
    Row("GET", f"{_KFP}/tasks", Takes.VIEWER, query={"run_id": "{run}"}),
    Row("GET", f"{_KFP}/tasks/{{task}}", Takes.VIEWER),
    # Unsupported operations are rejected for every caller.
    Row("POST", f"{_KFP}/tasks", Takes.CREDENTIAL, {}),
    Row("POST", f"{_KFP}/artifact_tasks", Takes.CREDENTIAL, {}),
    Row("POST", f"{_KFP}/artifacts", Takes.CREDENTIAL, {}),
    Row("PATCH", f"{_KFP}/tasks/{{task}}", Takes.CREDENTIAL, {}),
    Row("PUT", f"{_KFP}/artifacts/{{artifact}}", Takes.CREDENTIAL, {}),
    Row("POST", f"{_KFP}/scheduledworkflows", Takes.CREDENTIAL, {}),
    Row("POST", f"{_KFP}/workflows", Takes.CREDENTIAL, {}),
    Row("POST", f"{_KFP}/visualizations/{{namespace}}", Takes.CREDENTIAL, {}),
    Row("GET", f"{_KFP}/filters", Takes.CREDENTIAL),
    *(
        Row(method, "/apis/{anything}", Takes.CREDENTIAL)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)
ROWS = (*_PAGES, *_OWN_ROWS, *_KFP_ROWS)


def route_key(method: str, path: str) -> str:
    """A route without its parameters' names."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


def routes_of(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    """The keys of all routes, those of mounted apps and included routers too; not of static
    files."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes_of(included.routes, prefix)
        elif isinstance(route, Mount):
            yield from routes_of(route.routes or [], prefix + route.path)
        else:
            path = getattr(route, "path", "")
            for method in sorted(set(getattr(route, "methods", None) or ()) - {"HEAD"}):
                yield route_key(method, prefix + path)
