"""Attempts as processes of this machine, with a small object store."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import ResultManifest
from headrace_executor.backends.port import CannotLaunchError, Handle, Vanished
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_runtime.errors import RetryableError

from tests.support.launches import (
    PREFIX,
    RUN_ID,
    URI_PREFIX,
    Objects,
    begin,
    first,
    run_on,
)

START = (
    "program_path=$(mktemp -d)\n\n"
    'printf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main"
    ' --component_module_path "$program_path/ephemeral_component.py" "$@"\n'
)


def python(code: str, *args: str, **more: Any) -> dict[str, Any]:
    return {"image": "i", "command": [sys.executable, "-c", code, *args], **more}


async def refusal(backend: ProcessBackend, **changes: Any) -> tuple[str, str]:
    with pytest.raises(CannotLaunchError) as caught:
        await begin(backend, first(**changes))
    return caught.value.failure.code, caught.value.failure.message


async def test_an_attempt_runs_and_its_folder_is_removed(
    backend: ProcessBackend, objects: Objects, tmp_path: Path
) -> None:
    code = "import os; print(os.environ['KFP_RETRY_INDEX'], os.environ['N'])"
    execution = first(
        container=python(code),
        retry_index=3,
        platform={"fieldPathAsEnv": [{"name": "N", "fieldPath": "metadata.namespace"}]},
    )
    assert (await run_on(backend, execution)).state == "SUCCEEDED"
    assert objects.held[f"{PREFIX}log.txt"] == b"3 team\n"
    await backend.clean(execution)
    assert list((tmp_path / "steps").iterdir()) == []
    await backend.clean_run(RUN_ID)


async def test_a_workspace_is_shared_by_the_run_and_cleaned_with_it(
    backend: ProcessBackend, objects: Objects, tmp_path: Path
) -> None:
    inputs = {"parameters": {"path": {"deep": ["{{$.workspace_path}}/note"]}}}
    definitions = {"parameters": {"path": {"parameterType": "STRUCT"}}}
    word = "{{$.inputs.parameters['path']}}"
    read = "import json, sys; path = json.loads(sys.argv[1])['deep'][0]; "
    for attempt, code in ((1, "open(path, 'w').write('Hello')"), (2, "print(open(path).read())")):
        execution = first(
            attempt=attempt,
            workspace=True,
            inputs=inputs,
            input_definitions=definitions,
            container=python(read + code, word),
        )
        assert (await run_on(backend, execution)).state == "SUCCEEDED"
        await backend.clean(execution)
    assert objects.held[f"{PREFIX.replace('/1/', '/2/')}log.txt"] == b"Hello\n"
    assert (tmp_path / "steps" / str(RUN_ID) / "workspace" / "note").exists()
    await backend.clean_run(RUN_ID)
    await backend.clean_run(RUN_ID)
    assert not (tmp_path / "steps" / str(RUN_ID)).exists()


async def test_an_artifact_of_unknown_kind_is_looked_up(
    backend: ProcessBackend, objects: Objects
) -> None:
    objects.held |= {"one": b"1", "many/a": b"2", "many/b": b"3"}
    uris = [f"{URI_PREFIX}one", f"{URI_PREFIX}many", "/their/own"]
    code = (
        "import sys; print(open(sys.argv[1]).read(), open(sys.argv[2] + '/b').read(), sys.argv[3])"
    )
    words = [f"{{{{$.inputs.artifacts['{name}'].path}}}}" for name in "abc"]
    execution = first(
        container=python(code, *words),
        input_definitions={"artifacts": {name: {} for name in "abc"}},
        inputs={
            "artifacts": {
                name: [{"name": name, "uri": uri}] for name, uri in zip("abc", uris, strict=True)
            }
        },
    )
    assert (await run_on(backend, execution)).state == "SUCCEEDED"
    assert objects.held[f"{PREFIX}log.txt"] == b"1 3 /their/own\n"


async def test_a_component_takes_an_input_of_megabytes(
    backend: ProcessBackend, objects: Objects, tmp_path: Path
) -> None:
    """A module of the same name stands in for the SDK's."""
    fake = (
        "import json, sys; flag = sys.argv.index('--executor_input');"
        "given = json.loads(sys.argv[flag + 1]);"
        "text = given['inputs']['parameterValues']['text'];"
        "exec(open(sys.argv[2]).read());"
        "json.dump({'parameterValues': {'Output': text * 2}}, "
        "open(given['outputs']['outputFile'], 'w'))"
    )
    execution = first(
        inputs={"parameters": {"text": "ö" * 3_000_000}},
        input_definitions={"parameters": {"text": {"parameterType": "STRING"}}},
        output_definitions={"parameters": {"Output": {"parameterType": "STRING"}}},
        container={
            "image": "i",
            "command": ["sh", "-ec", START, "print('the source')"],
            "args": ["--executor_input", "{{$}}"],
            "env": [{"name": "PYTHONPATH", "value": str(tmp_path)}],
        },
    )
    module = tmp_path / "kfp" / "dsl"
    module.mkdir(parents=True)
    (module / "executor_main.py").write_text(fake)
    result = await run_on(backend, execution)
    assert objects.held[f"{PREFIX}log.txt"] == b"the source\n"
    assert result.parameters == {"Output": "ö" * 6_000_000}


async def test_a_launch_that_cannot_run_is_refused_with_a_message(backend: ProcessBackend) -> None:
    secret = {"secretAsEnv": [{"secretName": "s"}]}
    assert (await refusal(backend, platform=secret))[1].startswith("the step needs the secret 's'")
    folder = {"emptyDirMounts": [{"volumeName": "v", "mountPath": "/no/such/place"}]}
    assert "'/no/such/place'" in (await refusal(backend, platform=folder))[1]
    code, message = await refusal(
        backend,
        container={"image": "i", "command": ["cat", "{{$.inputs.parameters['text']}}"]},
        input_definitions={"parameters": {"text": {"parameterType": "STRING"}}},
        inputs={"parameters": {"text": "x" * 200_000}},
    )
    assert code == "INPUT_INVALID"
    assert "'text' with 200000 bytes" in message
    assert (await refusal(backend, container={"image": "i"}))[0] == "COMMAND_NOT_FOUND"
    wrong = {"image": "i", "command": ["{{$.inputs.parameters['none']}}"]}
    assert (await refusal(backend, container=wrong))[0] == "PLACEHOLDER_INVALID"


async def test_an_existing_folder_serves_as_an_empty_one(
    backend: ProcessBackend, tmp_path: Path
) -> None:
    folder = {"emptyDirMounts": [{"volumeName": "v", "mountPath": str(tmp_path)}]}
    assert (await run_on(backend, first(platform=folder))).state == "SUCCEEDED"


async def test_a_folder_that_cannot_be_created(backend: ProcessBackend, tmp_path: Path) -> None:
    (tmp_path / "steps").touch()
    code, message = await refusal(backend)
    assert code == "LAUNCHER_ERROR"
    assert message.startswith("cannot create the step's folder ")
    assert message.endswith(": Not a directory")


async def test_a_step_is_stopped(backend: ProcessBackend) -> None:
    execution = first(container={"image": "i", "command": ["sleep", "60"]})
    handle = await begin(backend, execution)
    stopping = asyncio.ensure_future(backend.stop(execution, handle))
    manifest = await backend.wait(execution, handle)
    stopping.cancel()
    assert isinstance(manifest, ResultManifest)
    assert manifest.failure is not None
    assert manifest.failure.code == "CANCELED"


async def test_a_step_does_not_outlive_its_launcher(backend: ProcessBackend) -> None:
    execution = first(container=python("import time; time.sleep(600)"))
    handle = await begin(backend, execution)
    marker = f"HEADRACE_LAUNCH_ID={execution.launch_id}"
    await until(lambda: marked(marker))
    os.kill(pid_of(handle), signal.SIGKILL)
    assert isinstance(await backend.wait(execution, handle), Vanished)
    await until(lambda: not marked(marker))


def pid_of(handle: Handle) -> int:
    pid = handle["pid"]
    assert isinstance(pid, int)
    return pid


async def finished(backend: ProcessBackend, attempt: int, **changes: Any) -> int:
    """The launcher of an attempt that ran and succeeded."""
    execution = first(attempt=attempt, **changes)
    handle = await begin(backend, execution)
    manifest = await backend.wait(execution, handle)
    assert isinstance(manifest, ResultManifest)
    assert (manifest.launch_id, manifest.state) == (execution.launch_id, "SUCCEEDED")
    await backend.clean(execution)
    return pid_of(handle)


async def test_a_launcher_serves_one_launch_after_another(backend: ProcessBackend) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)"
    leaving = {"container": python(daemon)}
    pids = {await finished(backend, n, **(leaving if n == 2 else {})) for n in range(1, 5)}
    assert len(pids) == 1
    assert not marked("HEADRACE_LAUNCH_ID=" + first(attempt=2).launch_id)


async def test_the_launcher_of_a_stopped_step_is_used_again(backend: ProcessBackend) -> None:
    execution = first(container={"image": "i", "command": ["sleep", "60"]})
    handle = await begin(backend, execution)
    stopping = asyncio.ensure_future(backend.stop(execution, handle))
    await backend.wait(execution, handle)
    stopping.cancel()
    await backend.clean(execution)
    assert await finished(backend, 2) == handle["pid"]


async def test_concurrent_launches_have_different_launchers(backend: ProcessBackend) -> None:
    sleep = {"container": {"image": "i", "command": ["sleep", "0.5"]}}
    pids = await asyncio.gather(*(finished(backend, n, **sleep) for n in range(1, 9)))
    assert len(set(pids)) == len(pids)


async def test_an_idle_launcher_that_died_is_replaced(backend: ProcessBackend) -> None:
    pid = await finished(backend, 1)
    os.kill(pid, signal.SIGTERM)
    await until(lambda: not Path(f"/proc/{pid}").exists())
    assert await finished(backend, 2) != pid


async def test_launchers_end_with_their_executor_busy_ones_after_their_step(
    backend: ProcessBackend,
) -> None:
    waits = await finished(backend, 1)
    execution = first(attempt=2, container={"image": "i", "command": ["sleep", "0.5"]})
    busy = await begin(backend, execution)
    other = await begin(backend, first(attempt=3))
    await backend.close()
    for pid in (waits, busy["pid"], other["pid"]):
        await until(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]
    found = await backend.find(execution, None)
    assert found is not None
    manifest = await backend.wait(execution, found)
    assert isinstance(manifest, ResultManifest)
    assert manifest.state == "SUCCEEDED"


async def test_a_fork_server_that_died_is_restarted(backend: ProcessBackend) -> None:
    slow = first(attempt=1, container={"image": "i", "command": ["sleep", "0.5"]})
    running = await begin(backend, slow)
    os.kill(fork_server(), signal.SIGKILL)
    assert await finished(backend, 2) != running["pid"]
    manifest = await backend.wait(slow, running)
    assert isinstance(manifest, ResultManifest)
    assert manifest.state == "SUCCEEDED"


async def test_a_cancelled_launch_is_found_or_never_runs(
    backend: ProcessBackend,
) -> None:
    """Whenever in its course it is given up."""
    outcomes = set()
    for attempt in range(1, 41):
        execution = first(attempt=attempt, container={"image": "i", "command": ["true"]})
        launching = asyncio.ensure_future(begin(backend, execution))
        await asyncio.sleep(attempt * 0.0002)
        launching.cancel()
        await asyncio.wait({launching})
        if launching.cancelled():
            found = await backend.find(execution, None)
            outcomes.add(found is not None)
            if found is None:
                await asyncio.sleep(0.02)
                # A launcher has the log as its standard error for the moment in which it notices
                # that its channel is closed.
                late = await backend.find(execution, None)
                assert late is None or isinstance(await backend.wait(execution, late), Vanished)
            else:
                end = await backend.wait(execution, found)
                assert isinstance(end, Vanished) or end.state == "SUCCEEDED"
    assert False in outcomes


async def test_a_shortage_of_the_machine_is_retryable(
    backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = first(container=python("import time; time.sleep(0.2)"))
    handle = await begin(backend, execution)
    await backend.close()  # the process is awaited by its number, as one that was adopted
    backend._forks._busy.clear()

    def short(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", short)
        with pytest.raises(RetryableError, match="short of resources: too many open files"):
            await backend.wait(execution, handle)
    assert isinstance(await backend.wait(execution, handle), ResultManifest)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", short)
        with pytest.raises(RetryableError, match="short of resources"):
            await begin(backend, execution)


def fork_server() -> int:
    """The child of this process that forks launchers."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1] if line else ""
            if line.endswith(b"--serve\0") and int(parent) == os.getpid():
                return int(entry.name)
    raise AssertionError("there is no fork server")


async def until(holds: Callable[[], object]) -> None:
    """Wait for it to hold; the limit only catches hangs."""
    for _ in range(6000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to hold")


def marked(marker: str) -> list[str]:
    """The processes that were started with this in their environment, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and marker.encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found


async def test_a_launcher_and_its_result_are_found(backend: ProcessBackend) -> None:
    execution = first(container={"image": "i", "command": ["sleep", "0.2"]})
    assert await backend.find(execution, None) is None
    handle = await begin(backend, execution)
    found = await backend.find(execution, None)
    assert found is not None
    assert found["pid"] == handle["pid"]
    await backend.wait(execution, handle)
    ended = await backend.find(execution, None)
    assert ended is not None
    assert isinstance(await backend.wait(execution, ended), ResultManifest)


async def test_a_malformed_result_is_a_failure(backend: ProcessBackend, tmp_path: Path) -> None:
    execution = first()
    handle = await begin(backend, execution)
    await backend.wait(execution, handle)
    name = f"steps/{RUN_ID}/{execution.command.task_id.hex}-1/1/result.json"
    (tmp_path / name).write_text(json.dumps({"v": 1}))
    manifest = await backend.wait(execution, handle)
    assert isinstance(manifest, ResultManifest)
    assert manifest.failure is not None
    assert "is malformed" in manifest.failure.message


@pytest.mark.parametrize(
    "key", ["runs/other/digits/1/out", "specs/0.json", "runs/team/../other/digits/1/out"]
)
async def test_an_input_of_another_namespace_is_refused(backend: ProcessBackend, key: str) -> None:
    data = {"name": "data", "uri": URI_PREFIX + key, "content": {"kind": "file"}}
    code, message = await refusal(backend, inputs={"artifacts": {"data": [data]}})
    assert code == "INPUT_INVALID"
    assert "namespace 'team' may read" in message
