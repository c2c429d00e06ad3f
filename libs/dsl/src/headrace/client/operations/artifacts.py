"""Artifacts: found, downloaded, read as Python objects, and where they come from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from headrace.client.drive import Core
from headrace.client.errors import ClientError
from headrace.client.operations.common import identity, pages
from headrace.client.resources import Artifact, Run, Task
from headrace.client.tables import read_table
from headrace.client.visualizations import Visualizations
from headrace.client.wire import Answer, Request, Save, Steps


def artifact(client: Core, artifact_id: Artifact | str) -> Steps[Artifact]:
    """What is known of an artifact."""
    answer = yield Request("GET", f"/artifacts/{identity(artifact_id, 'artifact_id')}")
    return Artifact(answer.json())


def artifacts(
    client: Core,
    run: Run | str | None = None,
    *,
    task_id: str | None = None,
    type: str | None = None,
    count: int | None = None,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
) -> Steps[list[Artifact]]:
    """Artifacts, newest first.

    Args:
        run: Those that this run made alone.
        task_id: Those that this task made alone.
        type: Those of a type alone, such as ``system.Dataset``.
        count: How many at most; None is all.
        filter: The predicates of the HTTP API.
        sort_by: For instance ``created_at desc``.
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


def lineage(client: Core, artifact_id: Artifact | str) -> Steps[list[dict[str, Any]]]:
    """The tasks that made an artifact (``type`` OUTPUT) and those that used it (INPUT), each with
    ``run_id``, ``task_id`` and ``key``, the name of the output or input."""
    path = f"/artifacts/{identity(artifact_id, 'artifact_id')}/tasks"
    return (yield from pages(path, "artifact_tasks", None, None, None, None))


def download(
    client: Core, artifact_id: Artifact | str, target: str | Path | None = None
) -> Steps[Path]:
    """Download an artifact, a file or a folder with all that is in it.

    A file that is there already is replaced; one that could not be downloaded as a whole is not
    left behind.

    Args:
        artifact_id: The artifact or its id.
        target: Where it shall lie; a folder that exists takes it under its name. Without it, a
            fresh folder of the temporary ones.

    Returns:
        Where it lies.

    Raises:
        ClientError: it has no content (NOT_FOUND), or its content or the gateway is away.
    """
    if not isinstance(artifact_id, Artifact):
        artifact_id = yield from artifact(client, artifact_id)
    place = _target(artifact_id, target)
    for path, url in (yield from _links(artifact_id)).items():
        yield Save(url, _inside(place, path) if path else place)
    return place


def read(client: Core, artifact_id: Artifact | str) -> Steps[bytes]:
    """An artifact's content, as a whole in memory.

    Raises:
        ClientError: it is a folder (MALFORMED), has no content, or something is away.
    """
    links = yield from _links(artifact_id)
    if "" not in links:
        raise ClientError("MALFORMED", "the artifact is a folder; download it")
    answer: Answer = yield Request("GET", links[""])
    return answer.content


def table(client: Core, artifact_id: Artifact | str, format: str | None = None) -> Steps[Any]:
    """An artifact that is a table, as a ``pandas.DataFrame``; as a list of dicts, with texts as
    values where it is CSV, when pandas is not installed.

    Args:
        artifact_id: The artifact or its id.
        format: ``csv``, ``tsv``, ``json``, ``jsonl`` or ``parquet`` (which needs pandas); without
            it, what the content looks like.

    Raises:
        ClientError: it is no table (MALFORMED), or as for `read`.
    """
    return read_table((yield from read(client, artifact_id)), format)


def visualizations(
    client: Core, source: Run | Artifact | str, *, task_id: Task | str | None = None
) -> Steps[Visualizations]:
    """What a run or an artifact shows: tables, confusion matrices, ROC curves, scalars, texts and
    pages. What cannot be shown is among them with the reason.

    Args:
        source: The run, its id, or an artifact.
        task_id: Of the run, those of this task and what is inside of it alone.
    """
    if isinstance(source, Artifact):
        path = f"/artifacts/{identity(source, 'artifact_id')}/visualizations"
    else:
        path = f"/runs/{identity(source, 'run_id')}/visualizations"
    task = task_id.task_id if isinstance(task_id, Task) else task_id
    answer: Answer = yield Request("GET", path, {"task_id": task})
    return Visualizations(answer.json())


def _links(artifact_id: Artifact | str) -> Steps[dict[str, str]]:
    """The links of an artifact's files by their path in it; of a file, its own by an empty one."""
    path = f"/artifacts/{identity(artifact_id, 'artifact_id')}/content"
    answer: Answer = yield Request("GET", path)
    if 300 <= answer.status < 400:
        return {"": answer.headers["location"]}
    return {file["path"]: file["url"] for file in answer.json().get("files") or ()}


def _target(found: Artifact, target: str | Path | None) -> Path:
    name = PurePosixPath(found.uri.rstrip("/")).name or found.artifact_id
    if target is None:
        return Path(tempfile.mkdtemp(prefix="headrace-artifact-")) / name
    place = Path(target)
    return place / name if place.is_dir() else place


def _inside(folder: Path, path: str) -> Path:
    """A file's place in a folder.

    Raises:
        ClientError: it would lie outside.
    """
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ClientError("MALFORMED", f"the artifact has a file {path!r}, outside of its folder")
    return folder.joinpath(*parts)
