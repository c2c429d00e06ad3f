"""Ops of component files: what their inputs and outputs become, and their commands."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from headrace import components, dsl

from tests.unit.dsl.v1.compiled import Compiled, load, op

OUT = "{{$.outputs.%s['%s'].%s}}"


def compiled(body: Any) -> Compiled:
    def pipeline(text="a", number=3):  # type: ignore[no-untyped-def]
        body(text, number)

    return Compiled(pipeline)


def test_values_of_any_type_are_parameters() -> None:
    component = load(
        "{name: Project ID, type: GCPProjectID}, {name: A b, type: {GCSPath: {data_type: CSV}}},"
        "{name: n, type: Integer}, {name: x}, {name: flag, type: Bool}",
        container="args: [{inputValue: Project ID}, {inputValue: A b}, {inputValue: n},"
        " {inputValue: x}, {inputValue: flag}]",
    )
    found = compiled(lambda text, number: component("p", text, 7, x={"a": [1]}, flag=True))
    assert found.words("some-component") == [
        "{{$.inputs.parameters['%s']}}" % name  # noqa: UP031
        for name in ("project_id", "a_b", "n", "x", "flag")
    ]
    kinds = found.component("some-component")["inputDefinitions"]["parameters"]
    assert {name: kind["parameterType"] for name, kind in kinds.items()} == {
        "project_id": "STRING",
        "a_b": "STRING",
        "n": "NUMBER_INTEGER",
        "x": "STRUCT",
        "flag": "STRING",
    }
    given = found.tasks["some-component"]["inputs"]["parameters"]
    assert given["a_b"] == {"componentInputParameter": "text"}
    assert given["flag"] == {"runtimeValue": {"constant": "True"}}


def test_an_argument_of_another_type_is_accepted() -> None:
    component = load("{name: n, type: Integer}", container="args: [{inputValue: n}]")
    found = compiled(lambda text, number: component(n="12"))
    kinds = found.component("some-component")["inputDefinitions"]["parameters"]
    assert kinds == {"n": {"parameterType": "STRING"}}


def test_defaults_and_is_present() -> None:
    component = load(
        "{name: rounds, type: Integer, default: '200'}, {name: 'flag', type: Bool, default: true},"
        "{name: maybe, optional: true}, {name: gone, optional: true}",
        container="""args:
    - {inputValue: rounds}
    - {inputValue: flag}
    - concat: ['--a=', {inputValue: maybe}, '/', {concat: [x, {inputValue: rounds}]}]
    - if: {cond: {isPresent: gone}, then: [--gone, {inputValue: gone}], else: [--none, it is]}
    - if: {cond: {isPresent: maybe}, then: --maybe}
    - if: {cond: {isPresent: gone}, then: --never}
    - if: {cond: {isPresent: gone}, then: --never, else: --else}
    - {inputValue: gone}""",
    )
    found = compiled(lambda text, number: component(maybe=text))
    assert found.words("some-component") == [
        "{{$.inputs.parameters['rounds']}}",
        "{{$.inputs.parameters['flag']}}",
        "--a={{$.inputs.parameters['maybe']}}/x{{$.inputs.parameters['rounds']}}",
        "--none",
        "it is",
        "--maybe",
        "--else",
    ]
    assert found.component("some-component")["inputDefinitions"]["parameters"] == {
        "maybe": {"parameterType": "STRING"},
        "rounds": {"parameterType": "NUMBER_INTEGER", "isOptional": True, "defaultValue": 200.0},
        "flag": {"parameterType": "STRING", "isOptional": True, "defaultValue": "True"},
    }


MAKE = (
    "",
    "{name: Some Data}, {name: Kind, type: String}",
    "command: [run, {outputPath: Some Data}, {outputPath: Kind}]",
)
READ = ("{name: In}", "", "command: [cat, {inputPath: In}]")


def test_an_output_used_as_a_file_is_an_artifact() -> None:
    def body(text: Any, number: Any) -> None:
        made = load(*MAKE, name="make")()
        assert made.outputs["Some Data"] is made.outputs["some_data"]
        load(*READ, name="read")(made.outputs["Some Data"])
        op(command=["cat", dsl.InputArgumentPath(made.outputs["some_data"])])

    found = compiled(body)
    path = OUT % ("artifacts", "some_data", "path")
    assert found.words("make") == ["run", path, OUT % ("parameters", "kind", "output_file")]
    assert found.words("read") == ["cat", "{{$.inputs.artifacts['in'].path}}"]
    assert found.container("read")["command"] == found.words("read")
    assert found.words("step") == ["cat", "{{$.inputs.artifacts['make_some_data'].path}}"]
    assert found.tasks["read"]["inputs"] == {
        "artifacts": {
            "in": {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "some_data"}}
        }
    }


def test_an_output_whose_value_is_used_is_a_string() -> None:
    def body(text: Any, number: Any) -> None:
        made = load(*MAKE, name="make")()
        load(*READ, name="read")(made.outputs["Some Data"])
        op(command=["echo", f"<{made.outputs['Some Data']}>"])

    found = compiled(body)
    assert found.component("make")["outputDefinitions"] == {
        "parameters": {
            "some_data": {"parameterType": "STRING"},
            "kind": {"parameterType": "STRING"},
        }
    }
    assert found.words("read") == ["cat", "{{$.outputs.output_file}}.inputs/in"]
    assert found.shell("read")[1] == [
        "{{$.outputs.output_file}}.inputs/in",
        "{{$.inputs.parameters['in']}}",
    ]
    assert found.shell("make")[1] == [OUT % ("parameters", "some_data", "output_file")]


def test_an_output_used_as_value_and_as_file() -> None:
    both = load(
        "{name: a}, {name: b}",
        container="args: [{inputPath: a}, {inputValue: b}]\n    command: [run]",
    )

    def body(text: Any, number: Any) -> None:
        made = load(*MAKE, name="make")().outputs["Some Data"]
        both(made, made)

    found = compiled(body)
    assert found.words("some-component") == [
        "run",
        "{{$.outputs.output_file}}.inputs/a",
        "{{$.inputs.parameters['b']}}",
    ]


def test_a_constant_used_as_a_file() -> None:
    found = compiled(lambda text, number: load(*READ, name="read")(f"{text} and {number}"))
    assert found.tasks["read"]["inputs"]["parameters"]["in"]["runtimeValue"] == {
        "constant": "{{$.inputs.parameters['pipelinechannel--text']}} and "
        "{{$.inputs.parameters['pipelinechannel--number']}}"
    }
    assert found.words("read") == ["cat", "{{$.outputs.output_file}}.inputs/in"]


def test_files_at_fixed_paths() -> None:
    component = load(
        "",
        "{name: MLPipeline UI metadata, type: UI metadata}, {name: N, type: Integer},"
        "{name: Unused}",
        "command: [sh, -c, 'run > /mlpipeline-ui-metadata.json;"
        " cat /mlpipeline-ui-metadata.json.x']\n"
        "    fileOutputs: {MLPipeline UI metadata: /mlpipeline-ui-metadata.json, N: /tmp/n.txt}",
    )
    found = compiled(lambda text, number: component())
    place = OUT % ("artifacts", "mlpipeline_ui_metadata", "path")
    assert found.words("some-component") == [
        "sh",
        "-c",
        f"run > {place}; cat /mlpipeline-ui-metadata.json.x",
    ]
    assert found.shell("some-component")[1] == [
        "/tmp/n.txt",
        OUT % ("parameters", "n", "output_file"),
    ]


def test_ui_files_are_implicit_outputs() -> None:
    def body(text: Any, number: Any) -> None:
        op("any", output_artifact_paths=None)
        op("none")
        op("metrics", command=["sh", "-c", "run > /mlpipeline-metrics.json"],
           output_artifact_paths={"mlpipeline-metrics": "/mlpipeline-metrics.json"})  # fmt: skip
        one = op("one", output_artifact_paths=None, command=["run", "/o"], file_outputs={"o": "/o"})
        assert one.output is one.outputs["output"] is one.outputs["o"]

    found = compiled(body)
    assert sorted(found.component("any")["outputDefinitions"]["artifacts"]) == [
        "mlpipeline_metrics",
        "mlpipeline_ui_metadata",
    ]
    script, places = found.shell("any")
    assert places[::2] == ["/mlpipeline-ui-metadata.json", "/mlpipeline-metrics.json"]
    assert script.count('[ -z "$HEADRACE_DATA_DIR" ]') == 2
    assert found.container("none")["command"] == ["true"]
    assert found.container("metrics")["command"] == [
        "sh",
        "-c",
        f"run > {OUT % ('artifacts', 'mlpipeline_metrics', 'path')}",
    ]


def test_the_shell_script_writes_and_collects_files(tmp_path: Path) -> None:
    def body(text: Any, number: Any) -> None:
        made = load(
            "{name: In}, {name: to}",
            "{name: Text, type: String}, {name: Folder, type: Model}",
            f"""command: [sh, -c, 'cat "$0"; echo words > "$1"; mkdir -p "$2"; echo x > "$2/x"']
    args: [{{inputPath: In}}, {{outputPath: Text}}, {{inputValue: to}}]
    fileOutputs: {{Folder: {tmp_path}/a folder}}""",
        )(r"it's $(a) \"text\"\n", f"{tmp_path}/a folder")
        op(command=["echo", made.outputs["Text"]])

    found = compiled(body)
    places = {
        "{{$.outputs.output_file}}": f"{tmp_path}/own/output.json",
        "{{$.inputs.parameters['in']}}": r"it's $(a) \"text\"\n",
        "{{$.inputs.parameters['to']}}": f"{tmp_path}/a folder",
        OUT % ("parameters", "text", "output_file"): f"{tmp_path}/text",
        OUT % ("artifacts", "folder", "path"): f"{tmp_path}/artifacts/folder",
    }
    container = found.container("some-component")
    words = [*container["command"], *container["args"]]
    for old, new in places.items():
        words = [word.replace(old, new) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (r"it's $(a) \"text\"\n", "")
    assert (tmp_path / "text").read_text() == "words"
    assert (tmp_path / "artifacts/folder/x").read_text() == "x\n"


def test_names_descriptions_and_the_cache() -> None:
    component = load(name="Make It!", metadata="{annotations: {volatile_component: 'true'}}")

    def body(text: Any, number: Any) -> None:
        component().set_display_name("Maker")
        component().set_caching_options(True)
        op("fresh").execution_options.caching_strategy.max_cache_staleness = "P0D"
        op("kept")

    found = compiled(body)
    assert found.tasks["make-it"]["taskInfo"] == {"name": "Maker"}
    cached = {name: task["cachingOptions"] for name, task in found.tasks.items()}
    assert cached == {
        "make-it": {},
        "make-it-2": {"enableCache": True},
        "fresh": {},
        "kept": {"enableCache": True},
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "missing 1 required argument: a"),
        ({"a": 1, "c": 2}, 'unexpected keyword argument "c"'),
        ({"a": None}, "missing 1 required argument: a"),
    ],
)
def test_wrong_arguments(arguments: Any, said: str) -> None:
    component = load("{name: A}, {name: b, optional: true}")
    with pytest.raises(TypeError, match=said):
        compiled(lambda text, number: component(**arguments))
    with pytest.raises(TypeError, match="takes 2 arguments"):
        compiled(lambda text, number: component(1, 2, 3))
    with pytest.raises(TypeError, match="two values"):
        compiled(lambda text, number: component(1, a=2))


def test_in_a_pipeline_of_version_2_a_component_file_behaves_as_in_kfp() -> None:
    component = load("{name: x, type: String}", container="args: [{inputValue: x}]")
    unknown = load("{name: y, type: GCSPath}", container="args: [{inputValue: y}]", name="unknown")

    @dsl.pipeline
    def pipeline():  # type: ignore[no-untyped-def]
        assert type(component(x="a")) is dsl.PipelineTask
        with pytest.raises(TypeError, match="Positional"):
            component("a")
        assert isinstance(unknown("gs://a"), dsl.BaseOp)
        assert isinstance(component(x="a"), dsl.BaseOp)  # now it is one of version 1

    assert isinstance(component, components.YamlComponent)
