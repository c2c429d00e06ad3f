"""Operations on artifacts: list, download, read, lineage and visualizations."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.operations.common import id_segment, pages
from headrace.client.resources import Artifact, Run, Task
from headrace.client.tables import read_table
from headrace.client.transport.base import BaseClient
from headrace.client.transport.requests import Download, Request, Response, Steps
from headrace.client.visualizations import Visualizations


def artifact(client: BaseClient, artifact_id: Artifact | str) -> Steps[Artifact]:
    """Get an artifact's URI, type and metadata."""
    response = yield Request("GET", f"/artifacts/{id_segment(artifact_id, 'artifact_id')}")
    return Artifact(response.json())


def artifacts(
    client: BaseClient,
    run: Run | str | None = None,
    *,
    task_id: str | None = None,
    type: str | None = None,
    count: int | None = None,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[Artifact]]:
    """List artifacts, newest first.

    Args:
        run: Only those that this run created.
        task_id: Only those that this task created.
        type: Only those of this type, such as ``system.Dataset``.
        count: The maximum number; None lists all.
        filter: Predicates as in the HTTP API, as a mapping or JSON.
        sort_by: Such as ``created_at desc``.
    """
    found = yield from pages(
        "/artifacts",
        "artifacts",
        count,
        client.namespace,
        filter,
        sort_by,
        run_id=run["run_id"] if isinstance(run, Run) else run,
        task_id=task_id,
        type=type,
    )
    return [Artifact(one) for one in found]


def lineage(client: BaseClient, artifact_id: Artifact | str) -> Steps[list[dict[str, Any]]]:
    """List the tasks that created an artifact (``type`` OUTPUT) or used it (INPUT), each with
    ``run_id``, ``task_id`` and ``key``, the name of the output or input."""
    path = f"/artifacts/{id_segment(artifact_id, 'artifact_id')}/tasks"
    return (yield from pages(path, "artifact_tasks", None, None, None, None))


def download(
    client: BaseClient, artifact_id: Artifact | str, target: str | Path | None = None
) -> Steps[Path]:
    """Download an artifact: a file, or a folder with its content.

    Replaces existing files. A file appears when it is complete, and never in part.

    Args:
        artifact_id: The artifact or its id.
        target: The path to write to; inside it, if it is an existing folder. Default: a new
            temporary folder.

    Returns:
        The path of the file or folder.

    Raises:
        ClientError: the artifact has no content (NOT_FOUND), or the gateway or the object store is
            unavailable.
        OSError: the target cannot be written.
    """
    if not isinstance(artifact_id, Artifact):
        artifact_id = yield from artifact(client, artifact_id)
    path = _target(artifact_id, target)
    for file, url in (yield from _links(artifact_id)).items():
        yield Download(url, _inside(path, file) if file else path)
    return path


def read(client: BaseClient, artifact_id: Artifact | str) -> Steps[bytes]:
    """Read an artifact's content into memory.

    Raises:
        ClientError: the artifact is a folder (MALFORMED) or has no content (NOT_FOUND), or the
            gateway or the object store is unavailable.
    """
    links = yield from _links(artifact_id)
    if "" not in links:
        raise ClientError("MALFORMED", "the artifact is a folder; use download instead of read")
    response: Response = yield Request("GET", links[""])
    return response.content


def table(client: BaseClient, artifact_id: Artifact | str, format: str | None = None) -> Steps[Any]:
    """Read a table artifact as a ``pandas.DataFrame``; without pandas as a list of dicts, in which
    all values of CSV and TSV are strings.

    Args:
        artifact_id: The artifact or its id.
        format: ``csv``, ``tsv``, ``json``, ``jsonl`` or ``parquet`` (which needs pandas). Default:
            detected from the content.

    Raises:
        ClientError: it is not a table (MALFORMED), or as for `read`.
    """
    return read_table((yield from read(client, artifact_id)), format)


def visualizations(
    client: BaseClient, source: Run | Artifact | str, *, task_id: Task | str | None = None
) -> Steps[Visualizations]:
    """Get the visualizations of a run or artifact: tables, confusion matrices, ROC curves, scalars,
    Markdown and HTML. Those that cannot be shown are included, with the reason.

    Args:
        source: The run, its id, or an artifact.
        task_id: Of a run, only those of this task and of the tasks inside it.
    """
    if isinstance(source, Artifact):
        path = f"/artifacts/{id_segment(source, 'artifact_id')}/visualizations"
    else:
        path = f"/runs/{id_segment(source, 'run_id')}/visualizations"
    task = task_id.task_id if isinstance(task_id, Task) else task_id
    response: Response = yield Request("GET", path, {"task_id": task})
    return Visualizations(response.json())


def _links(artifact_id: Artifact | str) -> Steps[dict[str, str]]:
    """The URLs of an artifact's files by their path in its folder; of a single file, by ''."""
    path = f"/artifacts/{id_segment(artifact_id, 'artifact_id')}/content"
    response: Response = yield Request("GET", path)
    if 300 <= response.status < 400:
        return {"": response.headers["location"]}
    return {file["path"]: file["url"] for file in response.json().get("files") or ()}


def _target(found: Artifact, target: str | Path | None) -> Path:
    name = PurePosixPath(found.uri.rstrip("/")).name or found.artifact_id
    if target is None:
        return Path(tempfile.mkdtemp(prefix="headrace-artifact-")) / name
    path = Path(target)
    return path / name if path.is_dir() else path


def _inside(folder: Path, path: str) -> Path:
    """The path of an artifact's file in its local folder.

    Raises:
        ClientError: it is outside of the folder (MALFORMED).
    """
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ClientError("MALFORMED", f"the artifact has a file outside of its folder: {path!r}")
    return folder.joinpath(*parts)
