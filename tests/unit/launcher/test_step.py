"""A step as a real process: how it ends, what is said of it, and that nothing of it is left."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import LaunchFile, ResultManifest, WrittenFile
from headrace_executor.core.bootstrap import Program
from headrace_executor.core.launch import ExecutionPaths, Limits, program_start
from headrace_launcher.command import explain

from tests.support.launches import PREFIX, Objects, launch_command, manifest, plan, run, start

LIMITS = Limits(grace_seconds=0.3, log_limit_bytes=1000, log_flush_seconds=60)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def failure(result: ResultManifest) -> tuple[str, str]:
    assert result.state == "FAILED"
    assert result.failure is not None
    return result.failure.code, result.failure.message


def wait_for(path: Path) -> None:
    for _ in range(6000):
        if path.exists() and path.read_text():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


def test_the_manifest_is_written_locally_and_uploaded(tmp_path: Path, objects: Objects) -> None:
    launch = launch_command(
        output_definitions={"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}}
    )
    argv = ("sh", "-c", f"echo hello; echo oh >&2; echo 7 > {tmp_path}/out/n")
    file = plan(tmp_path, objects, argv, launch)
    uploaded = file.model_copy(update={"result": file.result.model_copy(update={"upload": True})})
    result = run(tmp_path, uploaded)
    assert result.state == "SUCCEEDED"
    assert result.exit_code == 0
    assert result.parameters == {"n": 7}
    assert result.log is not None
    assert result.log.bytes == len(b"hello\noh\n")
    assert objects.held[f"{PREFIX}log.txt"] == b"hello\noh\n"
    stored = ResultManifest.model_validate_json(objects.held[f"{PREFIX}result.json"])
    assert stored == result


def test_only_what_is_needed_is_uploaded(tmp_path: Path, objects: Objects) -> None:
    result = run(tmp_path, plan(tmp_path, objects, ("true",)))
    assert result.state == "SUCCEEDED"
    assert result.log is not None
    assert result.log.bytes == 0
    assert objects.held == {}


def test_the_launcher_reads_every_field_of_the_launch_file(
    tmp_path: Path, objects: Objects
) -> None:
    launch = plan(tmp_path, objects, ("sh", "-c", 'cat "$FROM"; pwd; ls -d "$TO"'))
    places = {"FROM": str(tmp_path / "deep" / "text"), "TO": str(tmp_path / "made")}
    launch = launch.model_copy(
        update={
            "env": {**launch.env, **places},
            "dirs": (*launch.dirs, places["TO"]),
            "files": (WrittenFile(path=places["FROM"], text="a\r\nö\n"),),
        }
    )
    assert run(tmp_path, launch).state == "SUCCEEDED"
    said = objects.held[f"{PREFIX}log.txt"].decode()
    assert said == f"a\r\nö\n{tmp_path}/work\n{places['TO']}\n"


def test_a_failed_command_fails_whatever_it_wrote(tmp_path: Path, objects: Objects) -> None:
    code = "open('../out/executor_output.json', 'w').write('{}'); raise ValueError('no column x')"
    result = run(tmp_path, plan(tmp_path, objects, python(code)))
    name, message = failure(result)
    assert name == "COMMAND_FAILED"
    assert message.startswith("ValueError: no column x; the command exited with code 1; last out")
    assert result.exit_code == 1
    assert result.parameters == {}


@pytest.mark.parametrize(
    ("tail", "start"),
    [
        ("", "it ended"),
        ("only words", "it ended; last output:\nonly words"),
        (
            "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n\nDuring handling:\n\n"
            "Traceback (most recent call last):\n  File y\n    call()\nmod.Error: b\nmore",
            "mod.Error: b; it ended; last output:\nTraceback",
        ),
        ("Traceback (most recent call last):\n  File x", "it ended; last output:\nTraceback"),
        ("Traceback (most recent call last):\n  File x\nE: " + "x" * 900, "E: xxx"),
    ],
)
def test_an_exception_comes_first(tail: str, start: str) -> None:
    assert explain("it ended", tail).startswith(start)


@pytest.mark.parametrize(
    ("code", "said", "exit_code", "number"),
    [
        ("exit 3", "the command exited with code 3", 3, None),
        ("kill -9 $$", "killed by signal 9 (SIGKILL); the machine may be out of memory", None, 9),
        ("kill -11 $$", "killed by signal 11 (SIGSEGV)", None, 11),
        ("exit 137", "code 137, which a shell uses for signal 9 (SIGKILL); the machine", 137, None),
        ("exit 255", "the command exited with code 255", 255, None),
        ("printf 'a\\0b'; exit 1", "last output:\na\ufffdb", 1, None),
    ],
)
def test_an_exit_status_has_a_message(
    tmp_path: Path, objects: Objects, code: str, said: str, exit_code: Any, number: Any
) -> None:
    result = run(tmp_path, plan(tmp_path, objects, ("sh", "-c", code)))
    assert failure(result)[0] == "COMMAND_FAILED"
    assert said in failure(result)[1]
    assert (result.exit_code, result.signal) == (exit_code, number)


def test_a_command_that_does_not_exist(tmp_path: Path, objects: Objects) -> None:
    for name in ("no-such-command", "/no/such/command"):
        code, message = failure(run(tmp_path, plan(tmp_path, objects, (name,))))
        assert code == "COMMAND_NOT_FOUND"
        assert name in message


def test_arguments_that_together_are_too_long(tmp_path: Path, objects: Objects) -> None:
    code, message = failure(run(tmp_path, plan(tmp_path, objects, ("true", *["x" * 130_000] * 60))))
    assert code == "INPUT_INVALID"
    assert "longer than this machine allows" in message


def test_a_step_has_a_time_limit(tmp_path: Path, objects: Objects) -> None:
    launch = launch_command(timeout_seconds=0.2)
    result = run(tmp_path, plan(tmp_path, objects, ("sleep", "60"), launch))
    assert failure(result) == ("TIMEOUT", "the step exceeded its time limit of 0.2 s")


def test_no_process_of_the_tree_is_left(tmp_path: Path, objects: Objects) -> None:
    """A grandchild that left the session and ignores SIGTERM."""
    pids = tmp_path / "pids"
    grandchild = (
        "import os, signal, time; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"open({str(pids)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    code = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}])\n"
        f"while not os.path.exists({str(pids)!r}) or not open({str(pids)!r}).read(): "
        "time.sleep(0.01)"
    )
    assert run(tmp_path, plan(tmp_path, objects, python(code))).state == "SUCCEEDED"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)


def test_a_canceled_step_gets_sigterm_and_then_sigkill(tmp_path: Path, objects: Objects) -> None:
    ready = tmp_path / "ready"
    code = (
        "import os, signal, sys, time; "
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True)); "
        f"open({str(ready)!r}, 'w').write(str(os.getpid())); [time.sleep(9) for _ in range(9)]"
    )
    launcher = start(tmp_path, plan(tmp_path, objects, python(code)))
    wait_for(ready)
    launcher.send_signal(signal.SIGTERM)
    launcher.wait(30)
    assert failure(manifest(tmp_path)) == ("CANCELED", "the step was canceled")
    assert objects.held[f"{PREFIX}log.txt"] == b"asked\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(ready.read_text()), 0)


def test_a_log_has_a_limit(tmp_path: Path, objects: Objects) -> None:
    argv = python("print('x' * 5000)")
    result = run(tmp_path, plan(tmp_path, objects, argv, limits=LIMITS))
    assert result.log is not None
    assert result.log.truncated
    log = objects.held[f"{PREFIX}log.txt"]
    assert log == b"x" * 1000 + b"\n[headrace] log truncated: 4001 bytes dropped\n"


def test_a_short_log_is_in_the_manifest_and_not_uploaded(tmp_path: Path, objects: Objects) -> None:
    limits = dataclasses.replace(LIMITS, log_inline_bytes=20)
    argv = ("sh", "-c", "echo grün; echo oh >&2")
    result = run(tmp_path, plan(tmp_path, objects, argv, limits=limits))
    assert result.log is not None
    assert (result.log.text, result.log.bytes) == ("grün\noh\n", 9)
    assert f"{PREFIX}log.txt" not in objects.held


@pytest.mark.parametrize("said", ["printf '%021d' 7", r"printf '\377'", r"printf 'a\0b'"])
def test_a_long_or_binary_log_is_uploaded(tmp_path: Path, objects: Objects, said: str) -> None:
    limits = dataclasses.replace(LIMITS, log_inline_bytes=20)
    result = run(tmp_path, plan(tmp_path, objects, ("sh", "-c", said), limits=limits))
    assert result.log is not None
    assert result.log.text is None
    assert len(objects.held[f"{PREFIX}log.txt"]) == result.log.bytes


def test_a_failure_has_the_last_output_even_if_the_log_is_full(
    tmp_path: Path, objects: Objects
) -> None:
    argv = python("print('x' * 9000); raise KeyError('late')")
    result = run(tmp_path, plan(tmp_path, objects, argv, limits=LIMITS))
    assert failure(result)[1].startswith("KeyError: 'late'; the command exited with code 1")


def test_a_log_is_uploaded_while_it_grows(tmp_path: Path, objects: Objects) -> None:
    limits = dataclasses.replace(LIMITS, log_flush_seconds=0.05)
    go_on = tmp_path / "go"
    code = (
        "import os, time; print('begun', flush=True)\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)"
    )
    launcher = start(tmp_path, plan(tmp_path, objects, python(code), limits=limits))
    for _ in range(6000):
        if f"{PREFIX}log.txt" in objects.held:
            break
        time.sleep(0.01)
    assert objects.held[f"{PREFIX}log.txt"] == b"begun\n"
    go_on.touch()
    launcher.wait(30)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_step_does_not_wait_for_a_full_disk(tmp_path: Path, objects: Objects) -> None:
    launch = plan(tmp_path, objects, python("print('x' * 1_000_000)"))
    (tmp_path / "log.txt").symlink_to("/dev/full")
    result = run(tmp_path, launch)
    assert result.state == "SUCCEEDED"
    assert result.log is None or result.log.truncated


def test_an_error_of_the_launcher_is_a_failure(tmp_path: Path, objects: Objects) -> None:
    (tmp_path / "work").touch()
    code, message = failure(run(tmp_path, plan(tmp_path, objects, ("true",))))
    assert code == "LAUNCHER_ERROR"
    assert "work" in message


def test_an_input_that_does_not_exist(tmp_path: Path, objects: Objects) -> None:
    launch = plan(tmp_path, objects, ("true",)).model_dump()
    place = {"name": "data", "path": str(tmp_path / "in")}
    launch["inputs"] = [
        {**place, "uri": "s3://b/none", "files": [{"path": "", "url": objects.url("none")}]}
    ]
    code, message = failure(run(tmp_path, LaunchFile.model_validate(launch)))
    assert code == "INPUT_FETCH_FAILED"
    assert "'data'" in message
    assert "404" in message


def test_a_component_is_started_from_files(tmp_path: Path, objects: Objects) -> None:
    """With an argument that no execve would take, as the module that it names, in its folder."""
    folder = tmp_path / "work" / "kfp" / "dsl"
    folder.mkdir(parents=True)
    (folder / "executor_main.py").write_text(
        "import os, sys\n"
        "assert __name__ == '__main__' and sys.modules['__main__'].__spec__.name == 'kfp.dsl."
        "executor_main'\n"
        "assert sys.path[0] == os.getcwd() and sys.argv[0] == __file__\n"
        "assert os.environ['_KFP_RUNTIME'] == 'true'\n"
        "flag, path, large = sys.argv[1:]\n"
        "print(flag, os.path.basename(path), open(path).read(), len(large))\n"
        "sys.exit(5)\n"
    )
    env = {"_KFP_RUNTIME": "true"}
    program = Program("# söurce", "kfp.dsl.executor_main", ("ö" * 3_000_000,), env)
    argv, files = program_start(program, ExecutionPaths(tmp_path))  # type: ignore[arg-type]
    launch = plan(tmp_path, objects, argv, env=env).model_copy(update={"files": files})
    result = run(tmp_path, launch)
    said = objects.held[f"{PREFIX}log.txt"].decode()
    assert said == "--component_module_path ephemeral_component.py # söurce 3000000\n"
    assert result.exit_code == 5
