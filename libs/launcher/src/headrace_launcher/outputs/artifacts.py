"""The output artifacts: which ones there are, where their files are, and their upload.

Source: KFP's ExecutorOutput and `kfp.dsl.executor`. What the SDK returns for an output overrides
what was declared: URI, metadata, custom path. A function may return an artifact that it created
with a URI below the task root (`dsl.get_uri`); it is uploaded like any other output.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from headrace_launcher.failure import EXIT_UPLOAD, StepError, is_shortage
from headrace_launcher.outputs.parameters import object_uri, storable
from headrace_launcher.outputs.v1 import METRICS, UI_METADATA, read_metrics, rewrite_sources
from headrace_launcher.transfer import Transfer, TransferError

_WORKSPACE_ARTIFACTS = "/kfp-workspace/.artifacts"
"""The folder to which the SDK writes an artifact whose metadata has ``_kfp_workspace``."""

_OPTIONAL_OUTPUTS = frozenset((UI_METADATA, METRICS))
"""Outputs that each op of a version 1 pipeline may write; most write neither."""

Note = Callable[[str], None]


@dataclass(frozen=True)
class _Location:
    """An artifact's local path, and its URI and key in object storage. Without a path the artifact
    is in another store, which the command has written to itself."""

    path: str | None
    uri: str
    key: str = ""


def artifacts(
    launch: dict[str, Any], output: dict[str, Any], transfer: Transfer, note: Note
) -> dict[str, list[dict[str, Any]]]:
    """Upload the output artifacts; returns their manifest entries by output name. `note` writes a
    line to the step's log.

    Raises:
        StepError: the executor output is malformed, or the upload failed.
    """
    entries: dict[str, list[dict[str, Any]]] = {}
    for declared in launch["output_artifacts"]:
        if declared["name"] in _OPTIONAL_OUTPUTS and not os.path.exists(declared["path"]):
            continue
        entries[declared["name"]] = [
            _artifact(launch, declared, returned, location, transfer, note)
            for returned, location in _locations(launch, declared, output)
        ]
    return entries


def _locations(
    launch: dict[str, Any], declared: dict[str, Any], output: dict[str, Any]
) -> list[tuple[dict[str, Any], _Location]]:
    returned = _returned(declared["name"], output)
    if not declared.get("is_list"):
        first = returned[0] if returned else {}
        return [(first, _location(launch, declared, first, declared["uri"], declared["key"]))]
    if returned is None:  # the command returned nothing for it: its path is one artifact, or none
        returned = [{}] if os.path.exists(declared["path"]) else []
    return [
        (
            entry,
            _location(
                launch, declared, entry, f"{declared['uri']}/{index}", f"{declared['key']}/{index}"
            ),
        )
        for index, entry in enumerate(returned)
    ]


def _returned(name: str, output: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The entries of an output in the ExecutorOutput, None when the output is not in it."""
    returned = (output.get("artifacts") or {}).get(name)
    if returned is None:
        return None
    entries = returned.get("artifacts") if isinstance(returned, dict) else returned
    if not isinstance(entries or [], list) or not all(isinstance(e, dict) for e in entries or []):
        raise StepError(
            "OUTPUT_INVALID",
            f"output artifact {name!r}: its entry in the executor output is not a list of objects",
        )
    return entries or []


def _location(
    launch: dict[str, Any], declared: dict[str, Any], returned: dict[str, Any], uri: str, key: str
) -> _Location:
    given = returned.get("uri") or declared["handed_uri"]
    custom = returned.get("customPath") or returned.get("custom_path")
    if custom:
        return _Location(os.path.join(launch["cwd"], custom), uri, key)
    if (returned.get("metadata") or {}).get("_kfp_workspace") is True:
        return _Location(os.path.join(_WORKSPACE_ARTIFACTS, given.lstrip("/")), uri, key)
    if given == declared["handed_uri"]:
        return _Location(declared["path"], uri, key)
    root = launch.get("task_root")
    path = os.path.normpath(given)
    if root and path.startswith(root["path"] + os.sep):
        below = os.path.relpath(path, root["path"])
        if declared.get("is_list"):  # its index is part of its key: two may share a name
            return _Location(path, uri, key)
        return _Location(path, f"{root['uri']}/{below}", f"{root['key']}/{below}")
    return _Location(None, given)


def _artifact(
    launch: dict[str, Any],
    declared: dict[str, Any],
    returned: dict[str, Any],
    location: _Location,
    transfer: Transfer,
    note: Note,
) -> dict[str, Any]:
    name = declared["name"]
    entry = {
        "name": (declared.get("is_list") and storable(returned.get("name"))) or name,
        "uri": location.uri,
        "type": declared["type"],
        "metadata": storable({**declared["metadata"], **(returned.get("metadata") or {})}),
    }
    if location.path is None:
        return {**entry, "content": {"kind": "unknown"}}
    try:
        rewrite_sources(name, location.path, partial(object_uri, launch))
        content = _upload(location.path, location.key, launch["upload"], transfer)
    except (TransferError, OSError) as error:
        message = f"output artifact {name!r}: {error}"
        is_ours = error.retryable if isinstance(error, TransferError) else is_shortage(error)
        raise StepError("OUTPUT_UPLOAD_FAILED", message, EXIT_UPLOAD, retryable=is_ours) from None
    metrics = read_metrics(name, location.path)
    if metrics:
        entry["type"] = metrics["type"]
        entry["metadata"] = storable({**metrics["metadata"], **entry["metadata"]})
    if content["kind"] == "none" and not returned.get("metadata"):
        note(f"output artifact {name!r}: the command wrote nothing to {location.path}")
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
    """Every file of the folder, as its path and its path relative to the folder. A link out of the
    folder is not followed."""
    root = os.path.realpath(folder)
    for current, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(current, name)
            inside = os.path.realpath(path).startswith(root + os.sep)
            if inside and os.path.isfile(path):
                yield path, os.path.relpath(path, folder)
