"""Input artifacts come in, output artifacts go out, as KFP's SDK names them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from headrace_contracts.launches import InputFile, ResultManifest
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_launcher.interruption import Interruption
from headrace_launcher.outputs import artifacts
from headrace_launcher.transfer import Transfer

from tests.support.launches import PREFIX, URI_PREFIX, Objects, launch_command, plan, run


def command(*, is_list: bool = False, **definition: Any) -> LaunchAttempt:
    return launch_command(
        output_definitions={
            "artifacts": {
                "model": {
                    "artifactType": {"schemaTitle": "system.Model"},
                    "isArtifactList": is_list,
                    **definition,
                }
            }
        }
    )


def step(
    folder: Path, objects: Objects, launch: LaunchAttempt, code: str, returned: Any = None
) -> ResultManifest:
    """Run Python `code`, which finds the task root in ``root``, and then the executor output."""
    root = str(folder / "out")
    text = f"import os, json\nroot = {root!r}\nmodel = os.path.join(root, 'model')\n{code}\n"
    if returned is not None:
        body = json.dumps({"artifacts": {"model": {"artifacts": returned}}}).replace("ROOT", root)
        text += f"open(os.path.join(root, 'executor_output.json'), 'w').write({body!r})\n"
    return run(folder, plan(folder, objects, (sys.executable, "-c", text), launch))


def test_a_file_is_uploaded_and_its_metadata_merged(tmp_path: Path, objects: Objects) -> None:
    result = step(
        tmp_path,
        objects,
        command(metadata={"kept": 1.0, "changed": "old"}),
        "open(model, 'w').write('weights')",
        [{"name": "other", "uri": "ROOT/model", "metadata": {"changed": "new", "loss": 2.0}}],
    )
    (model,) = result.artifacts["model"]
    assert model.name == "model"
    assert model.uri == f"{URI_PREFIX}{PREFIX}model"
    assert model.metadata == {"kept": 1, "changed": "new", "loss": 2}
    assert (model.content.kind, model.content.bytes) == ("file", 7)
    assert objects.held[f"{PREFIX}model"] == b"weights"


def test_a_folder_is_uploaded_without_links_out_of_it(tmp_path: Path, objects: Objects) -> None:
    code = (
        "os.makedirs(model + '/deep')\n"
        "open(model + '/a', 'w').write('1')\n"
        "open(model + '/deep/b', 'w').write('22')\n"
        "os.symlink('/etc/hostname', model + '/leak')"
    )
    (model,) = step(tmp_path, objects, command(), code).artifacts["model"]
    assert (model.content.kind, model.content.files, model.content.bytes) == ("directory", 2, 3)
    below = {key for key in objects.held if key.startswith(f"{PREFIX}model/")}
    assert below == {f"{PREFIX}model/a", f"{PREFIX}model/deep/b"}


def test_a_custom_path_is_honoured(tmp_path: Path, objects: Objects) -> None:
    place = tmp_path / "elsewhere"
    returned = [{"uri": "ROOT/model", "custom_path": str(place)}]
    code = f"open({str(place)!r}, 'w').write('Hello')"
    (model,) = step(tmp_path, objects, command(), code, returned).artifacts["model"]
    assert model.uri == f"{URI_PREFIX}{PREFIX}model"
    assert objects.held[f"{PREFIX}model"] == b"Hello"


def test_an_artifact_that_the_function_created_is_uploaded(
    tmp_path: Path, objects: Objects
) -> None:
    code = "open(root + '/Output', 'w').write('made')"
    returned = [{"name": "", "uri": "ROOT/Output", "metadata": {"length": 4}}]
    (model,) = step(tmp_path, objects, command(), code, returned).artifacts["model"]
    assert model.uri == f"{URI_PREFIX}{PREFIX}Output"
    assert objects.held[f"{PREFIX}Output"] == b"made"


def test_a_uri_of_another_store_stays(tmp_path: Path, objects: Objects) -> None:
    returned = [{"uri": "s3://theirs/model"}]
    (model,) = step(tmp_path, objects, command(), "pass", returned).artifacts["model"]
    assert model.uri == "s3://theirs/model"
    assert model.content.kind == "unknown"


def test_a_missing_artifact_is_noted_in_the_log_and_does_not_fail(
    tmp_path: Path, objects: Objects
) -> None:
    result = step(tmp_path, objects, command(), "print('done')")
    assert result.state == "SUCCEEDED"
    assert result.artifacts["model"][0].content.kind == "none"
    log = objects.held[f"{PREFIX}log.txt"].decode()
    assert "done" in log
    assert "[headrace] output artifact 'model': the command wrote nothing" in log


def test_optional_outputs_that_were_not_written_are_no_artifacts(
    tmp_path: Path, objects: Objects
) -> None:
    anything = {"artifactType": {"schemaTitle": "system.Artifact"}}
    names = ("mlpipeline_metrics", "mlpipeline_ui_metadata")
    launch = launch_command(output_definitions={"artifacts": dict.fromkeys(names, anything)})
    code = "open(root + '/mlpipeline_metrics', 'w').write('{}')"
    result = step(tmp_path, objects, launch, code)
    assert list(result.artifacts) == ["mlpipeline_metrics"]
    assert b"headrace" not in objects.held.get(f"{PREFIX}log.txt", b"")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            '{"metrics": [{"name": "accuracy-score", "numberValue": 0.5, "format": "PERCENTAGE"},'
            ' {"name": "bad", "numberValue": "high"}, {"name": "n", "numberValue": NaN}]}',
            {"accuracy-score": 0.5},
        ),
        ('{"metrics": []}', None),
        ('{"metrics": [{"name": "a"}]}', None),
        ("[1]", None),
        ("no JSON", None),
    ],
)
def test_the_metrics_of_version_1_are_read(
    tmp_path: Path, objects: Objects, text: str, numbers: dict[str, float] | None
) -> None:
    anything = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
    launch = launch_command(output_definitions={"artifacts": {"mlpipeline_metrics": anything}})
    code = f"open(root + '/mlpipeline_metrics', 'w').write({text!r})"
    (made,) = step(tmp_path, objects, launch, code).artifacts["mlpipeline_metrics"]
    assert made.content.kind == "file"
    kind = "system.Artifact" if numbers is None else "system.Metrics"
    assert (made.type.schema_title, made.metadata) == (kind, numbers or {})


_TELLS = """
sources = [root + "/model", root + "/model/part", "/etc/passwd", "gs://b/x", 7]
outputs = [{"type": "table", "source": source} for source in sources]
outputs += [{"source": root + "/model", "storage": "inline"}, {"type": "roc"}]
"""


def test_a_source_that_is_an_artifact_of_the_step_gets_its_uri(
    tmp_path: Path, objects: Objects
) -> None:
    anything = {"artifactType": {"schemaTitle": "system.Artifact"}}
    names = ("model", "mlpipeline_ui_metadata")
    launch = launch_command(output_definitions={"artifacts": dict.fromkeys(names, anything)})
    write = "json.dump({'outputs': outputs}, open(root + '/mlpipeline_ui_metadata', 'w'))"
    (made,) = step(tmp_path, objects, launch, _TELLS + write).artifacts["mlpipeline_ui_metadata"]
    held = objects.held[f"{PREFIX}mlpipeline_ui_metadata"]
    assert made.content.bytes == len(held)
    told = json.loads(held)["outputs"]
    uri = f"{URI_PREFIX}{PREFIX}model"
    assert [one.get("source") for one in told] == [
        uri, f"{uri}/part", "/etc/passwd", "gs://b/x", 7, f"{tmp_path}/out/model", None,
    ]  # fmt: skip
    assert told[0]["type"] == "table"


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"outputs": [1]}', '{ "outputs":  []}'])
def test_a_malformed_ui_metadata_file_stays_as_it_is(
    tmp_path: Path, objects: Objects, text: str
) -> None:
    anything = {"artifactType": {"schemaTitle": "system.Artifact"}}
    launch = launch_command(output_definitions={"artifacts": {"mlpipeline_ui_metadata": anything}})
    step(tmp_path, objects, launch, f"open(root + '/mlpipeline_ui_metadata', 'w').write({text!r})")
    assert objects.held[f"{PREFIX}mlpipeline_ui_metadata"] == text.encode()


def test_a_metrics_artifact_needs_no_file(tmp_path: Path, objects: Objects) -> None:
    returned = [{"uri": "ROOT/model", "metadata": {"loss": 0.5}}]
    result = step(tmp_path, objects, command(), "pass", returned)
    assert result.artifacts["model"][0].metadata == {"loss": 0.5}
    assert b"headrace" not in objects.held.get(f"{PREFIX}log.txt", b"")


def test_a_list_names_any_number_of_artifacts(tmp_path: Path, objects: Objects) -> None:
    code = "[open(root + f'/m{i}', 'w').write(str(i)) for i in range(2)]"
    returned = [
        {"name": "first", "uri": "ROOT/m0", "metadata": {"i": 0}},
        {"uri": "ROOT/m1"},
        {"uri": "gs://theirs/m2"},
    ]
    models = step(tmp_path, objects, command(is_list=True), code, returned).artifacts["model"]
    assert [model.name for model in models] == ["first", "model", "model"]
    assert [model.uri for model in models] == [
        f"{URI_PREFIX}{PREFIX}model/0",
        f"{URI_PREFIX}{PREFIX}model/1",
        "gs://theirs/m2",
    ]
    assert objects.held[f"{PREFIX}model/1"] == b"1"


def test_a_list_that_is_not_returned_is_what_the_command_wrote(
    tmp_path: Path, objects: Objects
) -> None:
    launch = command(is_list=True)
    assert step(tmp_path / "a", objects, launch, "pass").artifacts["model"] == ()
    left = step(tmp_path / "b", objects, launch, "open(model, 'w').write('1')").artifacts["model"]
    assert [model.uri for model in left] == [f"{URI_PREFIX}{PREFIX}model/0"]
    assert step(tmp_path / "c", objects, launch, "pass", []).artifacts["model"] == ()


def test_a_malformed_list_is_an_error(tmp_path: Path, objects: Objects) -> None:
    result = step(tmp_path, objects, command(), "pass", ["no object"])
    assert result.failure is not None
    assert result.failure.code == "OUTPUT_INVALID"
    assert "'model'" in result.failure.message


def test_every_artifact_of_an_input_is_fetched(tmp_path: Path, objects: Objects) -> None:
    objects.held |= {"a/x": b"one", "b/x": b"two", "c/x/deep/f": b"three"}
    uris = [f"{URI_PREFIX}{name}/x" for name in "abc"]
    launch = launch_command(
        inputs={
            "artifacts": {
                "data": [
                    *({"name": "data", "uri": uri} for uri in uris),
                    {"name": "data", "uri": f"{URI_PREFIX}d", "content": {"kind": "directory"}},
                    {"name": "data", "uri": "/their/own"},
                ]
            }
        }
    )
    files = {
        uri: (InputFile(path="", url=objects.url(f"{n}/x")),)
        for n, uri in zip("ab", uris[:2], strict=True)
    }
    files[uris[2]] = (InputFile(path="deep/f", url=objects.url("c/x/deep/f")),)
    files[f"{URI_PREFIX}d"] = ()
    folder = tmp_path / "in" / "data"
    code = f"cat {folder}/0/x {folder}/1/x {folder}/2/x/deep/f; test -d {folder}/3/d; echo -n $?"
    result = run(tmp_path, plan(tmp_path, objects, ("sh", "-c", code), launch, files=files))
    assert result.state == "SUCCEEDED"
    assert objects.held[f"{PREFIX}log.txt"] == b"onetwothree0"


def test_a_path_outside_of_the_artifact_is_refused(tmp_path: Path, objects: Objects) -> None:
    uri = f"{URI_PREFIX}a"
    launch = launch_command(inputs={"artifacts": {"data": [{"name": "data", "uri": uri}]}})
    files = {uri: (InputFile(path="../../../evil", url=objects.url("a")),)}
    result = run(tmp_path, plan(tmp_path, objects, ("true",), launch, files=files))
    assert result.failure is not None
    assert result.failure.code == "INPUT_FETCH_FAILED"
    assert "is outside of it" in result.failure.message


def test_an_artifact_that_the_sdk_put_into_the_workspace_is_uploaded(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_WORKSPACE_ARTIFACTS", str(tmp_path / "workspace"))
    launch = plan(tmp_path, objects, ("true",), command()).model_dump(by_alias=True)
    handed = launch["output_artifacts"][0]["handed_uri"]
    place = tmp_path / "workspace" / handed.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_text("shared")
    entry = {"uri": handed, "metadata": {"_kfp_workspace": True}}
    moving = Transfer(Interruption())
    made = artifacts.artifacts(
        launch, {"artifacts": {"model": {"artifacts": [entry]}}}, moving, pytest.fail
    )
    moving.close()
    assert made["model"][0]["metadata"] == {"_kfp_workspace": True}
    assert objects.held[f"{PREFIX}model"] == b"shared"
