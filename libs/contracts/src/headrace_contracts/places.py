"""Where in the object store things lie that more than one service looks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID


def run_folder(namespace: str, pipeline: str, run_id: UUID | str) -> str:
    """The prefix of everything that the steps of a run leave: artifacts, logs, manifests."""
    return f"runs/{namespace}/{pipeline}/{run_id}/"


def run_prefix(submission: Mapping[str, Any]) -> str:
    """The same, from the JSON of a `run.submitted` event."""
    return run_folder(submission["namespace"], submission["pipeline"]["name"], submission["run_id"])
