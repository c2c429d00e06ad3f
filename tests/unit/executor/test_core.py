"""What a launch becomes on one machine: launch file, workspace, platform settings, its end."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest
from headrace_contracts.failures import FailureCode
from headrace_contracts.ids import artifact_id
from headrace_contracts.launches import InputFile, ResultManifest, UploadGrant
from headrace_contracts.messages.events import AttemptFailed, AttemptSucceeded
from headrace_executor.core.arguments import ARGUMENT_BYTES, unusable
from headrace_executor.core.bootstrap import Program
from headrace_executor.core.execution import Execution, attempt_id
from headrace_executor.core.launch import (
    ExecutionPaths,
    Limits,
    environment,
    executor_input,
    launch_file,
    local_inputs,
    program_start,
)
from headrace_executor.core.outcome import STOPPED, failed, lost, outcome
from headrace_executor.core.platform import PlatformError, provision
from headrace_executor.core.workspace import with_workspace

from tests.support.launches import PREFIX, RUN_ID, TASK_ID, URI_PREFIX, first, launch_command

PATHS = ExecutionPaths(PurePosixPath("/steps/attempt"))
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LIMITS = Limits(5.0, 1000, 2.0)


def artifact(uri: str, **more: Any) -> dict[str, Any]:
    return {"name": "data", "uri": uri, "type": {"schemaTitle": "system.Dataset"}, **more}


def test_the_executor_input_lists_every_artifact() -> None:
    command = launch_command(
        inputs={
            "parameters": {"rounds": 3.0, "deep": {"a": [1.0, 0.5]}},
            "artifacts": {
                "data": [
                    artifact("s3://bucket/a/x", metadata={"_kfp_workspace": True, "rows": 2.0}),
                    artifact("s3://bucket/b/.."),
                    artifact("gs://theirs/x", metadata={"_kfp_workspace": True}),
                ]
            },
        },
        output_definitions={
            "parameters": {"n": {"parameterType": "STRING"}},
            "artifacts": {"m": {"artifactType": {"schemaTitle": "system.Model"}}},
        },
    )
    inputs = local_inputs(command, PATHS, {"s3://bucket/a/x": (), "s3://bucket/b/..": ()})
    given = executor_input(command, PATHS, inputs)
    assert given["inputs"]["parameterValues"] == {"rounds": 3, "deep": {"a": [1, 0.5]}}
    assert [
        (entry["name"], entry["uri"], entry["metadata"])
        for entry in given["inputs"]["artifacts"]["data"]["artifacts"]
    ] == [
        ("data", "/steps/attempt/in/data/0/x", {"rows": 2}),
        ("data", "/steps/attempt/in/data/1/data", {}),
        ("data", "gs://theirs/x", {"_kfp_workspace": True}),
    ]
    assert given["outputs"] == {
        "parameters": {"n": {"outputFile": "/steps/attempt/out/n"}},
        "artifacts": {
            "m": {
                "artifacts": [
                    {
                        "name": "m",
                        "type": {"schemaTitle": "system.Model"},
                        "uri": "/steps/attempt/out/m",
                        "metadata": {},
                    }
                ]
            }
        },
        "outputFile": "/steps/attempt/out/executor_output.json",
    }


def test_the_launch_file_has_inputs_paths_and_keys() -> None:
    command = launch_command(
        inputs={
            "artifacts": {
                "data": [
                    artifact("s3://bucket/a", content={"kind": "directory"}),
                    artifact("/their/own"),
                ]
            }
        },
        output_definitions={
            "parameters": {"n": {"parameterType": "LIST", "isOptional": True}},
            "artifacts": {"m": {"isArtifactList": True, "metadata": {"a": 1.0}}},
        },
        timeout_seconds=60,
    )
    files = {"s3://bucket/a": (InputFile(path="f", url="http://store/a/f"),)}
    plan = launch_file(
        Execution(command, 1),
        PATHS,
        argv=("true",),
        env={"A": "b"},
        inputs=local_inputs(command, PATHS, files),
        files=files,
        grant=UploadGrant(url="http://store", fields={}),
        uri_prefix=URI_PREFIX,
        limits=LIMITS,
        upload_result=True,
    )
    assert [(i.name, i.path, i.files) for i in plan.inputs] == [
        ("data", "/steps/attempt/in/data/0/a", files["s3://bucket/a"])
    ]
    assert "/steps/attempt/in/data/0/a" in plan.dirs
    (parameter,) = plan.output_parameters
    assert (parameter.type, parameter.path, parameter.optional) == (
        "LIST",
        "/steps/attempt/out/n",
        True,
    )
    (output,) = plan.output_artifacts
    assert output.is_list
    assert (output.key, output.uri) == (f"{PREFIX}m", f"{URI_PREFIX}{PREFIX}m")
    assert plan.task_root is not None
    assert plan.task_root.key + "/" == PREFIX
    assert plan.result.key == f"{PREFIX}result.json"
    assert (plan.timeout_seconds, plan.grace_seconds) == (60, 5.0)


def test_a_program_starts_with_short_arguments() -> None:
    program = Program("source", "kfp.dsl.executor_main", ("--executor_input", "x" * 10**6), {})
    argv, files = program_start(program, PATHS)
    assert argv[:2] == ("python3", "-c")
    assert max(map(len, argv)) < 1000
    texts = {file.path: file.text for file in files}
    assert texts[PATHS.program] == "source"
    assert json.loads(texts[argv[3]]) == [
        "--component_module_path",
        PATHS.program,
        *program.arguments,
    ]


def test_the_command_gets_only_its_own_environment() -> None:
    marks = {"HEADRACE_DATA_DIR": "/data"}
    env = environment(
        first(retry_index=2),
        PATHS,
        path="/bin",
        passed_on={"TZ": "UTC"},
        env={"HOME": "/mine", "HEADRACE_LAUNCH_ID": "mine", "HEADRACE_DATA_DIR": "mine"},
        marks=marks,
    )
    assert env["KFP_RETRY_INDEX"] == "2"
    assert (env["PATH"], env["TZ"], env["HOME"]) == ("/bin", "UTC", "/mine")
    assert env["HEADRACE_LAUNCH_ID"] == f"{RUN_ID}-{TASK_ID}-1-1", "a step cannot hide"
    assert env["HEADRACE_DATA_DIR"] == "/data"


def test_the_workspace_placeholder_is_replaced_everywhere() -> None:
    command = launch_command(
        inputs={
            "parameters": {
                "path": "{{$.workspace_path}}/a:{{$.workspace_path}}/b",
                "deep": {"list": ["{{$.workspace_path}}", 3, None]},
                "other": "{{$.pipeline_root}}",
            }
        },
        container={
            "image": "i",
            "command": ["ls", "{{$.workspace_path}}"],
            "args": ["{{$.inputs.parameters['path']}}"],
            "env": [{"name": "W", "value": "{{$.workspace_path}}"}],
        },
    )
    placed = with_workspace(command, "/ws")
    assert placed.inputs.parameters == {
        "path": "/ws/a:/ws/b",
        "deep": {"list": ["/ws", 3, None]},
        "other": "{{$.pipeline_root}}",
    }
    assert placed.container.command == ("ls", "/ws")
    assert placed.container.args == command.container.args
    assert placed.container.env[0].value == "/ws"


@pytest.mark.parametrize(
    ("argv", "env", "expected"),
    [
        (("x" * ARGUMENT_BYTES, "ö" * (ARGUMENT_BYTES // 2)), {"A": "b"}, None),
        (("cat", "small" + "l" * ARGUMENT_BYTES), {}, "argument 1 .*input is 'large' with"),
        (("ö" * ARGUMENT_BYTES,), {}, f"argument 0 of the command has {2 * ARGUMENT_BYTES} bytes"),
        ((), {"A": "x" * ARGUMENT_BYTES}, "environment variable 'A'"),
        (("cat", "a\0b"), {}, "argument 1 of the command contains a NUL"),
        ((), {"A": "\0"}, "environment variable 'A' contains a NUL"),
        ((), {"A\0": ""}, "environment variable .* contains a NUL"),
        ((), {"A=B": ""}, "name 'A=B' is empty or contains '='"),
        ((), {"": "a"}, "name '' is empty"),
    ],
)
def test_an_argument_or_variable_that_cannot_be_given_is_named(
    argv: tuple[str, ...], env: dict[str, str], expected: str | None
) -> None:
    fault = unusable(argv, env, {"s": "small", "large": "l" * ARGUMENT_BYTES, "n": None})
    if expected is None:
        assert fault is None
    else:
        assert fault is not None
        assert re.search(expected, fault)


@pytest.mark.parametrize(
    "platform",
    [
        {},
        {"imagePullPolicy": "Always", "nodeSelector": {"labels": {"a": "b"}}, "tolerations": [{}]},
        {"secretAsEnv": [{"secretName": "s", "optional": True}]},
        {"configMapAsVolume": [{"configMapName": "c", "mountPath": "/c", "optional": True}]},
        {"pvcMount": []},
    ],
)
def test_settings_that_are_ignored(platform: dict[str, Any]) -> None:
    provided = provision(launch_command(platform=platform), "host")
    assert (provided.env, provided.folders) == ({}, {})


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ({"secretAsEnv": [{"secretName": "s", "optional": False}]}, "the secret 's'"),
        ({"secretAsVolume": [{"secretName": "s", "mountPath": "/s"}]}, r"\(secretAsVolume\)"),
        (
            {"configMapAsEnv": [{"configMapNameParameter": {"runtimeValue": {"constant": "c"}}}]},
            "the config map 'c'",
        ),
        ({"configMapAsVolume": [{"configMapName": "c"}]}, "the config map 'c'"),
        ({"pvcMount": [{"constant": "p", "mountPath": "/d"}]}, "volume claim 'p'"),
        ({"pvcMount": [{"taskOutputParameter": {}}]}, "the persistent volume claim "),
        ({"initContainers": [{"name": "first"}]}, "the init container 'first'"),
        ({"fieldPathAsEnv": [{"name": "A", "fieldPath": "spec.x"}]}, "'spec.x'"),
    ],
)
def test_settings_that_are_refused(platform: dict[str, Any], expected: str) -> None:
    with pytest.raises(PlatformError, match=expected) as caught:
        provision(launch_command(platform=platform), "host")
    is_folder = any(name.startswith(("secret", "configMap")) for name in platform)
    hint = "in its data folder" if is_folder else "without a Kubernetes cluster"
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", attempt_id(launch_command())),
        ("metadata.uid", str(TASK_ID)),
        ("metadata.namespace", "team"),
        ("spec.nodeName", "host"),
        ("metadata.annotations['pipelines.kubeflow.org/run_name']", "digits at night"),
        ("metadata.labels['mine']", "yes"),
        ("metadata.labels['none']", ""),
    ],
)
def test_fields_of_the_pod_have_equivalents(path: str, value: str) -> None:
    platform = {
        "fieldPathAsEnv": [{"name": "A", "fieldPath": path}],
        "podMetadata": {"labels": {"mine": "yes"}},
    }
    assert provision(launch_command(platform=platform), "host").env == {"A": value}


def test_required_folders() -> None:
    platform = {
        "emptyDirMounts": [{"volumeName": "v", "mountPath": "/mnt/v"}],
        "genericEphemeralVolume": [{"volumeName": "e", "mountPath": "/mnt/e"}],
    }
    assert provision(launch_command(platform=platform), "host").folders == {
        "/mnt/v": "the empty folder 'v' (emptyDirMounts)",
        "/mnt/e": "the ephemeral volume 'e' (genericEphemeralVolume)",
    }


def result(**changes: Any) -> ResultManifest:
    return ResultManifest.model_validate(
        {"launch_id": "l", "state": "SUCCEEDED", "finished_at": NOW, **changes}
    )


def test_a_success_has_outputs_with_identities() -> None:
    manifest = result(parameters={"n": 1}, artifacts={"m": [artifact("s3://b/0"), artifact("/x")]})
    end = outcome(launch_command(), manifest, cancel_requested=True)
    assert isinstance(end, AttemptSucceeded)
    assert end.started_at == NOW
    assert end.outputs.parameters == {"n": 1}
    assert [made.artifact_id for made in end.outputs.artifacts["m"]] == [
        artifact_id(RUN_ID, TASK_ID, 1, "m", index) for index in range(2)
    ]


def test_the_launcher_says_whether_the_platform_failed() -> None:
    failure = {"code": "OUTPUT_UPLOAD_FAILED", "message": "the grant is expired"}
    manifest = result(state="FAILED", failure=failure, retryable=True)
    end = outcome(launch_command(), manifest, cancel_requested=False)
    assert isinstance(end, AttemptFailed)
    assert (end.failure.code, end.retryable, end.deployment_stopped) == (
        FailureCode.OUTPUT_UPLOAD_FAILED,
        True,
        False,
    )


@pytest.mark.parametrize("canceled", [False, True])
def test_a_step_that_was_stopped_with_the_deployment_says_so_unless_it_was_canceled(
    canceled: bool,
) -> None:
    failure = {"code": "CANCELED", "message": "m"}
    manifest = result(state="FAILED", failure=failure, deployment_stopped=True)
    ends = (
        outcome(launch_command(), manifest, cancel_requested=canceled),
        lost(
            launch_command(),
            STOPPED,
            NOW,
            cancel_requested=canceled,
            deployment_stopped=True,
        ),
    )
    for end in ends:
        assert isinstance(end, AttemptFailed)
        assert end.retryable is end.deployment_stopped is not canceled
        assert ("stopped with the deployment" in end.failure.message) is not canceled


@pytest.mark.parametrize(
    ("code", "canceled", "expected", "retryable"),
    [
        ("COMMAND_FAILED", False, "COMMAND_FAILED", False),
        ("CANCELED", True, "CANCELED", False),
        ("CANCELED", False, "ATTEMPT_LOST", True),
        ("INPUT_FETCH_FAILED", False, "INPUT_FETCH_FAILED", False),
        ("OUTPUT_INVALID", False, "OUTPUT_INVALID", False),
    ],
)
def test_a_failure_is_the_platforms_or_the_steps(
    code: str, canceled: bool, expected: str, retryable: bool
) -> None:
    manifest = result(state="FAILED", failure={"code": code, "message": "m"}, exit_code=1)
    end = outcome(launch_command(), manifest, cancel_requested=canceled)
    assert isinstance(end, AttemptFailed)
    assert (end.failure.code, end.retryable, end.exit_code) == (expected, retryable, 1)


def test_an_end_without_a_manifest() -> None:
    end = lost(launch_command(), "it was killed", NOW, cancel_requested=False)
    assert isinstance(end, AttemptFailed)
    assert (end.failure.code, end.retryable) == (FailureCode.ATTEMPT_LOST, True)
    assert end.failure.message == "it was killed"
    end = lost(launch_command(), "it was killed", NOW, cancel_requested=True)
    assert isinstance(end, AttemptFailed)
    assert (end.failure.code, end.retryable) == (FailureCode.CANCELED, False)
    silent = outcome(launch_command(), result(state="FAILED"), cancel_requested=False)
    assert isinstance(silent, AttemptFailed)
    assert silent.failure.code == FailureCode.LAUNCHER_ERROR
    assert not failed(launch_command(), silent.failure, NOW).retryable
