"""Where in the object store things lie that more than one service looks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID


def run_folder(namespace: str, pipeline: str, run_id: UUID | str, root: str | None = None) -> str:
    """The prefix of everything that the steps of a run leave: artifacts, logs, manifests. `root` is
    the ``s3://`` URI in the deployment's bucket that the run was given for it, if any."""
    _, _, place = (root or "").removeprefix("s3://").partition("/")
    return f"{place.strip('/') or f'runs/{namespace}'}/{pipeline}/{run_id}/"


def run_prefix(submission: Mapping[str, Any]) -> str:
    """The same, from the JSON of a `run.submitted` event."""
    return run_folder(
        submission["namespace"],
        submission["pipeline"]["name"],
        submission["run_id"],
        submission.get("pipeline_root"),
    )
