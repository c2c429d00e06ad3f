"""Keys in the object store that more than one service uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

_INTERNAL = ("specs", "messages")
"""The top-level folders of frozen specs and large messages."""


def run_prefix(namespace: str, pipeline: str, run_id: UUID | str, root: str | None = None) -> str:
    """The key prefix of all objects that the steps of a run write: artifacts, logs, manifests.
    `root` is the run's pipeline root, an ``s3://`` URI in the deployment's bucket."""
    _, _, folder = (root or "").removeprefix("s3://").partition("/")
    return f"{folder.strip('/') or f'runs/{namespace}'}/{pipeline}/{run_id}/"


def is_normalized(key: str) -> bool:
    """Whether a key has no empty, ``.`` or ``..`` part and no backslash. Stores and clients resolve
    these differently, so such a key could refer to another object."""
    return not {"", ".", ".."} & set(key.split("/")) and "\\" not in key


def is_readable_from(key: str, namespace: str) -> bool:
    """Whether a step of a namespace may read an object of the deployment's bucket: neither the
    folder of another namespace nor internal objects, but anything else whose key it knows, such
    as objects in a custom pipeline root."""
    if not is_normalized(key):
        return False
    top = key.partition("/")[0]
    return key.startswith(f"runs/{namespace}/") if top == "runs" else top not in _INTERNAL


def prefix_of_submission(submission: Mapping[str, Any]) -> str:
    """`run_prefix` of the run in the JSON of a `run.submitted` event."""
    return run_prefix(
        submission["namespace"],
        submission["pipeline"]["name"],
        submission["run_id"],
        submission.get("pipeline_root"),
    )
