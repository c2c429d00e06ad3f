"""One step, from its launch file to its result manifest.

Invariant: the last thing that is written is a manifest, whatever happens; only a launcher that is
killed leaves none.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import datetime, timezone
from typing import Any

from headrace_launcher import artifacts, command, outputs
from headrace_launcher.failure import (
    EXIT_INPUT,
    EXIT_LAUNCHER_ERROR,
    EXIT_UPLOAD,
    StepError,
)
from headrace_launcher.log import Log
from headrace_launcher.transfer import Transfer, TransferError


def run(launch_path: str) -> int:
    """Run the launch of this launch file; returns the exit status."""
    with open(launch_path, encoding="utf-8") as file:
        launch = json.load(file)
    cancellation = command.Cancellation()
    cancellation.install()
    transfer = Transfer()
    manifest: dict[str, Any] = {"v": 1, "started_at": _now()}
    manifest |= {"launch_id": launch["launch_id"], "execution": launch["execution"]}
    status = 0
    log = None
    try:
        log = _prepare(launch, transfer)
        _fetch(launch, transfer, cancellation)
        manifest["started_at"] = _now()
        command.run(launch, log, cancellation)
        output = outputs.executor_output(launch["executor_output"])
        manifest["parameters"] = outputs.parameters(launch, output)
        manifest["artifacts"] = artifacts.artifacts(launch, output, transfer, log.note)
        cancellation.check()
        manifest |= {"state": "SUCCEEDED", "exit_code": 0}
    except StepError as error:
        status = error.exit_status
        manifest |= _failed(error.code, outputs.storable(error.message))
        manifest |= {"exit_code": error.exit_code, "signal": error.signal}
    except Exception as error:
        traceback.print_exc()
        status = EXIT_LAUNCHER_ERROR
        message = f"the launcher failed: {type(error).__name__}: {error}"
        manifest |= _failed("LAUNCHER_ERROR", outputs.storable(message))
    status = _deliver(launch, manifest, log, transfer, status)
    transfer.close()
    return status


def _prepare(launch: dict[str, Any], transfer: Transfer) -> Log:
    for folder in launch["dirs"]:
        os.makedirs(folder, exist_ok=True)
    for output in (*launch["output_parameters"], *launch["output_artifacts"]):
        os.makedirs(os.path.dirname(output["path"]), exist_ok=True)
    for file in launch.get("files", ()):
        os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
        with open(file["path"], "w", encoding="utf-8", newline="") as written:
            written.write(file["text"])
    return Log(launch["log"], launch["upload"], transfer)


def _fetch(launch: dict[str, Any], transfer: Transfer, cancellation: command.Cancellation) -> None:
    for artifact in launch["inputs"]:
        os.makedirs(os.path.dirname(artifact["path"]), exist_ok=True)
        for file in artifact["files"]:
            cancellation.check()
            path = artifact["path"]
            if file["path"]:
                path = os.path.normpath(os.path.join(path, file["path"]))
                if not path.startswith(artifact["path"] + os.sep):
                    message = (
                        f"input artifact {artifact['name']!r}: {file['path']!r} is outside of it"
                    )
                    raise StepError("INPUT_FETCH_FAILED", message, EXIT_INPUT)
            try:
                transfer.fetch(file["url"], path)
            except TransferError as error:
                message = f"input artifact {artifact['name']!r}: {error}"
                raise StepError("INPUT_FETCH_FAILED", message, EXIT_INPUT) from None


def _deliver(
    launch: dict[str, Any],
    manifest: dict[str, Any],
    log: Log | None,
    transfer: Transfer,
    status: int,
) -> int:
    """Upload the log, then write the manifest: to the local path, and to the object store if the
    launch file says so or the local path cannot be written."""
    try:
        if log is not None:
            manifest["log"] = log.finish()
    except TransferError as error:
        sys.stderr.write(f"{error}\n")
        manifest["log"] = None
    manifest["finished_at"] = _now()
    body = json.dumps(manifest).encode()
    if not _written_locally(launch["result"]["path"], body) or launch["result"]["upload"]:
        try:
            transfer.send(launch["upload"], launch["result"]["key"], body)
        except TransferError as error:
            sys.stderr.write(f"{error}\n")
            status = EXIT_UPLOAD
    return status


def _written_locally(path: str, body: bytes) -> bool:
    try:
        with open(path + ".part", "wb") as file:
            file.write(body)
        os.replace(path + ".part", path)
    except OSError as error:
        sys.stderr.write(f"cannot write the result manifest: {error}\n")
        return False
    return True


def _failed(code: str, message: str) -> dict[str, Any]:
    failure = {"code": code, "message": message}
    return {"state": "FAILED", "failure": failure, "parameters": {}, "artifacts": {}}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017  # any Python 3 may run this
