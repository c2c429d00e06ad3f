"""A step whose surroundings fail: the object store is away, its folder is removed, the disk is
full, or the deployment is being stopped."""

from __future__ import annotations

import dataclasses
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import LaunchFile, Progress, ResultManifest, WrittenFile

from tests.support.launches import PREFIX, Objects, launch_command, manifest, plan, run, start
from tests.unit.launcher.test_step import LIMITS, failure, wait_for

# -- The object store is away --------------------------------------------------------------------

MODEL = {"artifacts": {"model": {"artifactType": {"schemaTitle": "system.Model"}}}}
WRITE = ("sh", "-c", 'echo ran >> "$0"; echo weights > "$1"')


def writing(folder: Path, objects: Objects, **changes: Any) -> LaunchFile:
    """A step that writes a model, and that reports its progress."""
    command = launch_command(output_definitions=MODEL)
    argv = (*WRITE, str(folder / "starts"), str(folder / "out" / "model"))
    return plan(folder, objects, argv, command).model_copy(
        update={"progress_path": str(folder / "progress.json"), **changes}
    )


def progress(folder: Path) -> Progress:
    """What the launcher says that it does; it is waited for."""
    path = folder / "progress.json"
    wait_for(path)
    return Progress.model_validate_json(path.read_bytes())


def until_waiting(folder: Path) -> None:
    for _ in range(6000):
        if progress(folder).waiting:
            return
        time.sleep(0.01)
    raise AssertionError("it does not say that it waits")


def test_outputs_are_uploaded_when_the_store_is_back_and_the_command_ran_once(
    tmp_path: Path, objects: Objects
) -> None:
    objects.faults = [503] * 100_000
    launcher = start(tmp_path, writing(tmp_path, objects))
    until_waiting(tmp_path)
    waits = progress(tmp_path)
    assert waits.command_ended, "it needs no room for its command any more"
    assert waits.waiting.startswith("waiting for the object store since ")
    objects.faults = []
    assert launcher.wait(120) == 0
    result = manifest(tmp_path)
    assert result.state == "SUCCEEDED"
    assert objects.held[f"{PREFIX}model"] == b"weights\n"
    assert (tmp_path / "starts").read_text() == "ran\n"
    assert progress(tmp_path).waiting == ""
    assert (
        "[headrace] waiting for the object store since" in objects.held[f"{PREFIX}log.txt"].decode()
    )


def test_a_canceled_step_does_not_wait_for_the_store(tmp_path: Path, objects: Objects) -> None:
    objects.faults = [503] * 100_000
    launcher = start(tmp_path, writing(tmp_path, objects))
    until_waiting(tmp_path)
    launcher.send_signal(signal.SIGTERM)
    launcher.wait(120)
    result = manifest(tmp_path)
    assert failure(result)[0] == "CANCELED"
    assert result.log is not None
    assert result.log.text is not None, "there is no object that it could link to"
    assert "the log was not uploaded: could not upload" in result.log.text


def test_the_time_limit_ends_the_wait_for_the_store(tmp_path: Path, objects: Objects) -> None:
    objects.faults = [503] * 100_000
    result = run(tmp_path, writing(tmp_path, objects, timeout_seconds=1.0))
    assert failure(result)[0] == "TIMEOUT"


def test_a_refused_upload_is_repeated_by_another_attempt_only_if_the_grant_is_the_cause(
    tmp_path: Path, objects: Objects
) -> None:
    for status, retryable in ((403, True), (400, False)):
        objects.faults = [status]
        result = run(tmp_path / str(status), writing(tmp_path / str(status), objects))
        assert failure(result)[0] == "OUTPUT_UPLOAD_FAILED"
        assert result.retryable is retryable


# -- A step that removes what is its own, and a disk that is full --------------------------------


@pytest.mark.parametrize(
    ("removed", "code"),
    [
        ("", "OUTPUT_MISSING"),
        ("/out", "OUTPUT_MISSING"),
        ("/work", None),
        ("/tmp", None),
        ("/log.txt", None),
        ("/launch.json", None),
        ("/progress.json", None),
    ],
)
@pytest.mark.parametrize("lines", [1, 2000])
def test_a_step_that_removes_its_own_folder_has_a_log_and_a_clear_result(
    tmp_path: Path, objects: Objects, removed: str, code: str | None, lines: int
) -> None:
    folder = tmp_path / "attempt"
    launch = launch_command(output_definitions={"parameters": {"n": {"parameterType": "STRING"}}})
    script = f'cd /; echo 7 > "$0/out/n"; rm -rf "$0{removed}"; seq {lines}'
    limits = dataclasses.replace(LIMITS, log_limit_bytes=1 << 20, log_inline_bytes=100)
    file = plan(folder, objects, ("sh", "-c", script, str(folder)), launch, limits=limits)
    result = run(folder, file)
    if code is None:
        assert result.state == "SUCCEEDED"
        assert result.parameters == {"n": "7\n"}
    else:
        assert failure(result)[0] == code
    expected = "".join(f"{line}\n" for line in range(1, lines + 1))
    assert result.log is not None
    if lines == 1:
        assert result.log.text == expected
    else:
        assert result.log.text is None
        assert objects.held[f"{PREFIX}log.txt"].decode() == expected


def test_a_log_that_could_not_be_uploaded_is_replaced_by_its_end(
    tmp_path: Path, objects: Objects
) -> None:
    objects.faults = [403]
    result = run(tmp_path, plan(tmp_path, objects, ("sh", "-c", "seq 5000")))
    assert result.state == "SUCCEEDED"
    assert result.log is not None
    assert result.log.truncated
    assert result.log.text is not None
    assert result.log.text.startswith("[headrace] the log was not uploaded: ")
    assert result.log.text.endswith("\n4999\n5000\n")


def test_a_manifest_that_cannot_be_written_here_is_uploaded_when_the_store_is_back(
    tmp_path: Path, objects: Objects
) -> None:
    (tmp_path / "blocked").touch()
    file = plan(tmp_path, objects, ("true",))
    place = file.result.model_copy(update={"path": str(tmp_path / "blocked" / "result.json")})
    objects.faults = [503] * 4
    start(tmp_path, file.model_copy(update={"result": place})).wait(120)
    stored = ResultManifest.model_validate_json(objects.held[f"{PREFIX}result.json"])
    assert stored.state == "SUCCEEDED"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_too_full_to_start_is_the_platforms_failure(
    tmp_path: Path, objects: Objects
) -> None:
    file = plan(tmp_path, objects, ("true",))
    full = (WrittenFile(path="/dev/full", text="x" * 100_000),)
    result = run(tmp_path, file.model_copy(update={"files": full}))
    assert failure(result)[0] == "LAUNCHER_ERROR"
    assert result.retryable


# -- The deployment is being stopped -------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "state"),
    [
        ("exit 0", "SUCCEEDED"),
        ("rm ../out/n; exit 0", "STOPPED"),
        ("exit 1", "STOPPED"),
        ("", "STOPPED"),
    ],
)
@pytest.mark.parametrize("orderly", [True, False])
def test_a_step_that_finishes_while_the_deployment_stops_keeps_its_result(
    tmp_path: Path, objects: Objects, handler: str, state: str, orderly: bool
) -> None:
    mark = tmp_path / "mark"
    launch = launch_command(output_definitions={"parameters": {"n": {"parameterType": "STRING"}}})
    script = f"trap '{handler}' TERM;" if handler else ""
    script += f" echo 7 > ../out/n; echo up > {tmp_path}/up; while true; do sleep 0.05; done"
    file = plan(tmp_path, objects, ("sh", "-c", script), launch)
    launcher = start(tmp_path, file.model_copy(update={"stop_mark_path": str(mark)}))
    wait_for(tmp_path / "up")
    if orderly:
        mark.touch()
    launcher.send_signal(signal.SIGTERM)
    launcher.wait(120)
    result = manifest(tmp_path)
    if orderly and state == "SUCCEEDED":
        assert result.state == "SUCCEEDED"
    else:
        assert failure(result)[0] == "CANCELED"
        assert result.deployment_stopped is orderly
