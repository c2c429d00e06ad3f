"""One step, from its launch file to its result manifest.

Invariant: the last thing that is written is a manifest, whatever happens; only a launcher that is
killed leaves none.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from headrace_launcher import command
from headrace_launcher.failure import (
    EXIT_INPUT,
    EXIT_LAUNCHER_ERROR,
    EXIT_UPLOAD,
    CanceledError,
    StepError,
    is_shortage,
)
from headrace_launcher.files import write_whole
from headrace_launcher.interruption import Interruption
from headrace_launcher.log import Log
from headrace_launcher.outputs import artifacts, parameters
from headrace_launcher.progress import Progress
from headrace_launcher.transfer import Transfer, TransferError, UnavailableError, pauses

_LONGEST_MANIFEST_PAUSE_SECONDS = 1.0
"""A signal to stop must not wait for longer."""


def run(launch_path: str, progress_changed: Callable[[], None] = lambda: None) -> int:
    """Run the launch of this launch file; returns the exit status. `progress_changed` is called
    after each change of the progress file."""
    with open(launch_path, encoding="utf-8") as file:
        launch = json.load(file)
    interruption = Interruption(launch.get("timeout_seconds"), launch.get("stop_mark_path"))
    interruption.install()
    progress = Progress(launch.get("progress_path"), progress_changed)
    try:
        return _Attempt(launch, interruption, progress).run()
    finally:
        interruption.end()


class _Attempt:
    """One launch, and what is known of its result."""

    def __init__(
        self, launch: dict[str, Any], interruption: Interruption, progress: Progress
    ) -> None:
        self._launch = launch
        self._interruption = interruption
        self._progress = progress
        self._transfer = Transfer(interruption, self._report_waiting)
        self._log: Log | None = None
        self._manifest: dict[str, Any] = {
            "v": 1,
            "launch_id": launch["launch_id"],
            "execution": launch["execution"],
            "started_at": _now(),
        }

    def run(self) -> int:
        """Run it to its end; returns the exit status."""
        status = 0
        try:
            self._carry_out()
        except StepError as error:
            status = self._fail(error)
        except Exception as error:
            traceback.print_exc()
            message = f"the launcher failed: {type(error).__name__}: {error}"
            failure = StepError(
                "LAUNCHER_ERROR", message, EXIT_LAUNCHER_ERROR, retryable=is_shortage(error)
            )
            status = self._fail(failure)
        if not self._deliver():
            status = EXIT_UPLOAD
        self._transfer.close()
        return status

    def _carry_out(self) -> None:
        launch = self._launch
        self._log = log = _prepare(launch, self._transfer)
        _fetch(launch, self._transfer, self._interruption)
        self._manifest["started_at"] = _now()
        command.run(launch, log, self._interruption)
        if launch["output_artifacts"] or not log.is_short():
            self._progress.command_ended()
        output = parameters.executor_output(launch["executor_output"])
        values = parameters.parameters(launch, output)
        uploaded = artifacts.artifacts(launch, output, self._transfer, log.note)
        self._interruption.check()
        self._manifest |= {"state": "SUCCEEDED", "exit_code": 0}
        self._manifest |= {"parameters": values, "artifacts": uploaded}

    def _fail(self, error: StepError) -> int:
        """Take the failure into the manifest; returns the exit status. What a command that was
        stopped has not written is no failure of its own."""
        if self._interruption.stopped_command:
            error = CanceledError()
        stopped = error.code == "CANCELED" and (
            self._interruption.stopped_command or self._interruption.is_orderly()
        )
        self._manifest |= {
            "state": "FAILED",
            "failure": {"code": error.code, "message": parameters.storable(error.message)},
            "retryable": error.retryable,
            "deployment_stopped": stopped,
            "exit_code": error.exit_code,
            "signal": error.signal,
        }
        return error.exit_status

    def _report_waiting(self, what: str) -> None:
        if what and self._log is not None:
            self._log.note(what)  # first: who reads the progress may look at the log
        self._progress.wait_for(what)

    def _deliver(self) -> bool:
        """Upload the log, then write the manifest; False if that was not possible."""
        if self._log is not None:
            if not self._log.is_short():
                self._progress.command_ended()
            try:
                self._manifest["log"] = self._log.finish()
            except Exception:  # a log is no reason to lose the result
                traceback.print_exc()
        self._manifest["finished_at"] = _now()
        return self._write_manifest(json.dumps(self._manifest).encode())

    def _write_manifest(self, body: bytes) -> bool:
        """Write the manifest to the local path, and to the object store if the launch file says so
        or the local path cannot be written. A full disk and an unavailable store are waited for,
        until the launcher is stopped."""
        launch = self._launch
        result = launch["result"]
        for pause in pauses():
            written = _written_locally(result["path"], body)
            if written and not result["upload"]:
                return True
            try:
                self._transfer.send_once(launch["upload"], result["key"], body)
                return True
            except TransferError as error:
                sys.stderr.write(f"{error}\n")
                if self._interruption.requested or not isinstance(error, UnavailableError):
                    return written
            time.sleep(min(pause, _LONGEST_MANIFEST_PAUSE_SECONDS))
        return False


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


def _fetch(launch: dict[str, Any], transfer: Transfer, interruption: Interruption) -> None:
    for artifact in launch["inputs"]:
        os.makedirs(os.path.dirname(artifact["path"]), exist_ok=True)
        for file in artifact["files"]:
            interruption.check()
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
                raise StepError(
                    "INPUT_FETCH_FAILED", message, EXIT_INPUT, retryable=error.retryable
                ) from None


def _written_locally(path: str, body: bytes) -> bool:
    try:
        write_whole(path, body)
    except OSError as error:
        sys.stderr.write(f"cannot write the result manifest: {error}\n")
        return False
    return True


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017  # any Python 3 may run this
