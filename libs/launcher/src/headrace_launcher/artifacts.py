"""The output artifacts: which ones the command names, where their bytes lie, and their upload.

Source: KFP's ExecutorOutput and `kfp.dsl.executor`. What the SDK returns for an output is merged
over what was declared: uri, metadata, custom path. A function may return an artifact of its own
making, with a URI below the task root (`dsl.get_uri`); it is an output like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from headrace_launcher.failure import EXIT_UPLOAD, StepError
from headrace_launcher.outputs import printable, true_uri
from headrace_launcher.transfer import Transfer, TransferError
from headrace_launcher.version1 import METRICS, UI_METADATA, as_metrics, tell_sources

_WORKSPACE_ARTIFACTS = "/kfp-workspace/.artifacts"
"""Where the SDK puts an artifact whose metadata has ``_kfp_workspace``."""

_OF_EVERY_STEP = frozenset((UI_METADATA, METRICS))
"""Outputs that every op of a version 1 pipeline may write; most write neither."""

Note = Callable[[str], None]


@dataclass(frozen=True)
class _Place:
    """Where an artifact's bytes are, and where they shall be; no path: the user's own place."""

    path: str | None
    uri: str
    key: str = ""


def artifacts(
    launch: dict[str, Any], output: dict[str, Any], transfer: Transfer, note: Note
) -> dict[str, list[dict[str, Any]]]:
    """Upload the output artifacts; returns what the manifest says of them. `note` takes what a
    reader of the log should know.

    Raises:
        StepError: the executor output is malformed, or the upload failed.
    """
    made: dict[str, list[dict[str, Any]]] = {}
    for declared in launch["output_artifacts"]:
        if declared["name"] in _OF_EVERY_STEP and not os.path.exists(declared["path"]):
            continue
        made[declared["name"]] = [
            _artifact(launch, declared, returned, place, transfer, note)
            for returned, place in _places(launch, declared, output)
        ]
    return made


def _places(
    launch: dict[str, Any], declared: dict[str, Any], output: dict[str, Any]
) -> list[tuple[dict[str, Any], _Place]]:
    returned = _returned(declared["name"], output)
    if not declared.get("is_list"):
        first = returned[0] if returned else {}
        return [(first, _place(launch, declared, first, declared["uri"], declared["key"]))]
    if returned is None:  # the command said nothing of it: what it left is one artifact, or none
        returned = [{}] if os.path.exists(declared["path"]) else []
    return [
        (
            entry,
            _place(
                launch, declared, entry, f"{declared['uri']}/{index}", f"{declared['key']}/{index}"
            ),
        )
        for index, entry in enumerate(returned)
    ]


def _returned(name: str, output: dict[str, Any]) -> list[dict[str, Any]] | None:
    """What the ExecutorOutput says of an output, None when it says nothing."""
    said = (output.get("artifacts") or {}).get(name)
    if said is None:
        return None
    entries = said.get("artifacts") if isinstance(said, dict) else said
    if not isinstance(entries or [], list) or not all(isinstance(e, dict) for e in entries or []):
        raise StepError(
            "OUTPUT_INVALID", f"output artifact {name!r}: the executor output has no list of it"
        )
    return entries or []


def _place(
    launch: dict[str, Any], declared: dict[str, Any], returned: dict[str, Any], uri: str, key: str
) -> _Place:
    given = returned.get("uri") or declared["handed_uri"]
    custom = returned.get("customPath") or returned.get("custom_path")
    if custom:
        return _Place(os.path.join(launch["cwd"], custom), uri, key)
    if (returned.get("metadata") or {}).get("_kfp_workspace") is True:
        return _Place(os.path.join(_WORKSPACE_ARTIFACTS, given.lstrip("/")), uri, key)
    if given == declared["handed_uri"]:
        return _Place(declared["path"], uri, key)
    root = launch.get("task_root")
    path = os.path.normpath(given)
    if root and path.startswith(root["path"] + os.sep):
        below = os.path.relpath(path, root["path"])
        if declared.get("is_list"):  # its place in the list is in its key: two may share a name
            return _Place(path, uri, key)
        return _Place(path, f"{root['uri']}/{below}", f"{root['key']}/{below}")
    return _Place(None, given)


def _artifact(
    launch: dict[str, Any],
    declared: dict[str, Any],
    returned: dict[str, Any],
    place: _Place,
    transfer: Transfer,
    note: Note,
) -> dict[str, Any]:
    name = declared["name"]
    entry = {
        "name": (declared.get("is_list") and printable(returned.get("name"))) or name,
        "uri": place.uri,
        "type": declared["type"],
        "metadata": printable({**declared["metadata"], **(returned.get("metadata") or {})}),
    }
    if place.path is None:
        return {**entry, "content": {"kind": "unknown"}}
    try:
        tell_sources(name, place.path, partial(true_uri, launch))
        content = _upload(place.path, place.key, launch["upload"], transfer)
    except (TransferError, OSError) as error:
        message = f"output artifact {name!r}: {error}"
        raise StepError("OUTPUT_UPLOAD_FAILED", message, EXIT_UPLOAD) from None
    told = as_metrics(name, place.path)
    if told:
        entry["type"] = told["type"]
        entry["metadata"] = printable({**told["metadata"], **entry["metadata"]})
    if content["kind"] == "none" and not returned.get("metadata"):
        note(f"output artifact {name!r}: the command left nothing at {place.path}")
    return {**entry, "content": content}


def _upload(path: str, key: str, grant: dict[str, Any], transfer: Transfer) -> dict[str, Any]:
    if os.path.isfile(path):
        transfer.send(grant, key, path)
        return {"kind": "file", "bytes": os.path.getsize(path), "files": 1}
    if not os.path.isdir(path):
        return {"kind": "none"}
    total = count = 0
    for file, relative in _files_below(path):
        transfer.send(grant, f"{key}/{relative}", file)
        total += os.path.getsize(file)
        count += 1
    return {"kind": "directory", "bytes": total, "files": count}


def _files_below(folder: str) -> Iterator[tuple[str, str]]:
    """Every file of the folder; a link that leads out of it is not followed."""
    root = os.path.realpath(folder)
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(place, name)
            inside = os.path.realpath(path).startswith(root + os.sep)
            if inside and os.path.isfile(path):
                yield path, os.path.relpath(path, folder)
