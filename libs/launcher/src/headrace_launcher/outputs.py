"""What the command left: parameters by their types, artifacts by their files.

Source: KFP's ExecutorOutput, and the launcher's rules: a value in the ExecutorOutput file comes
first, else the parameter's own file is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from headrace_launcher.failure import EXIT_UPLOAD, StepError
from headrace_launcher.transfer import Transfer, TransferError


def executor_output(path: str) -> dict[str, Any]:
    """The ExecutorOutput file, empty when the command wrote none."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StepError("OUTPUT_INVALID", f"the executor output is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise StepError("OUTPUT_INVALID", "the executor output is not an object")
    return value


def parameters(launch: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """The output parameters by name."""
    given = output.get("parameterValues") or {}
    values: dict[str, Any] = {}
    for declared in launch["output_parameters"]:
        name = declared["name"]
        if name in given:
            values[name] = _whole(given[name])
            continue
        try:
            with open(declared["path"], encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            if not declared.get("optional"):
                raise StepError(
                    "OUTPUT_MISSING", f"the step did not write its output parameter {name!r}"
                ) from None
            continue
        except UnicodeDecodeError:
            raise StepError(
                "OUTPUT_INVALID", f"output parameter {name!r} is not UTF-8 text"
            ) from None
        values[name] = _parse(name, text, declared["type"])
    return values


def _parse(name: str, text: str, kind: str) -> Any:
    stripped = text.strip()
    try:
        match kind:
            case "STRING":
                return text
            case "NUMBER_INTEGER":
                number = float(stripped)
                if not number.is_integer():
                    raise ValueError("not a whole number")
                return int(stripped) if stripped.lstrip("+-").isdigit() else int(number)
            case "NUMBER_DOUBLE":
                return float(stripped)
            case "BOOLEAN":
                return {"true": True, "1": True, "false": False, "0": False}[stripped.lower()]
            case _:
                value = json.loads(stripped)
                if not isinstance(value, list if kind == "LIST" else dict):
                    raise ValueError("of another kind")
                return _whole(value)
    except (ValueError, KeyError):
        shown = stripped if len(stripped) <= 60 else stripped[:57] + "..."
        raise StepError(
            "OUTPUT_INVALID", f"output parameter {name!r}: {shown!r} is not a {kind}"
        ) from None


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def artifacts(
    launch: dict[str, Any], output: dict[str, Any], transfer: Transfer
) -> dict[str, list[dict[str, Any]]]:
    """Upload the output artifacts; returns what the manifest says of them."""
    returned = output.get("artifacts") or {}
    made: dict[str, list[dict[str, Any]]] = {}
    for declared in launch["output_artifacts"]:
        entries = (returned.get(declared["name"]) or {}).get("artifacts") or [{}]
        made[declared["name"]] = [_artifact(declared, entries[0], launch["upload"], transfer)]
    return made


def _artifact(
    declared: dict[str, Any], returned: dict[str, Any], grant: dict[str, Any], transfer: Transfer
) -> dict[str, Any]:
    uri = returned.get("uri") or declared["handed_uri"]
    entry = {
        "name": declared["name"],
        "uri": declared["uri"],
        "type": declared["type"],
        "metadata": _whole({**declared["metadata"], **(returned.get("metadata") or {})}),
    }
    custom = returned.get("customPath") or returned.get("custom_path")
    if uri != declared["handed_uri"] and not custom:
        return {**entry, "uri": uri, "content": {"kind": "unknown"}}  # the user's own place
    path = custom or declared["path"]
    try:
        return {**entry, "content": _upload(path, declared["key"], grant, transfer)}
    except TransferError as error:
        message = f"output artifact {declared['name']!r}: {error}"
        raise StepError("OUTPUT_UPLOAD_FAILED", message, EXIT_UPLOAD) from None


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
