"""Where in the object store things lie that more than one service looks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

_OWN = ("specs", "messages")
"""Where specs and large messages are kept."""


def run_folder(namespace: str, pipeline: str, run_id: UUID | str, root: str | None = None) -> str:
    """The prefix of everything that the steps of a run leave: artifacts, logs, manifests. `root` is
    the ``s3://`` URI in the deployment's bucket that the run was given for it, if any."""
    _, _, place = (root or "").removeprefix("s3://").partition("/")
    return f"{place.strip('/') or f'runs/{namespace}'}/{pipeline}/{run_id}/"


def is_plain(key: str) -> bool:
    """Whether a key means the same to everybody: a store or a client may resolve ``..`` in it, and
    end in another place."""
    return not {"", ".", ".."} & set(key.split("/")) and "\\" not in key


def may_be_lent(key: str, namespace: str) -> bool:
    """Whether a step of a namespace may be given an object of the deployment's bucket to read: not
    what lies in the folder of another namespace, nor what the deployment keeps for itself. What
    lies elsewhere, for instance in a root that a run was given, is for whoever knows its key."""
    if not is_plain(key):
        return False
    top = key.partition("/")[0]
    return key.startswith(f"runs/{namespace}/") if top == "runs" else top not in _OWN


def run_prefix(submission: Mapping[str, Any]) -> str:
    """The same, from the JSON of a `run.submitted` event."""
    return run_folder(
        submission["namespace"],
        submission["pipeline"]["name"],
        submission["run_id"],
        submission.get("pipeline_root"),
    )
