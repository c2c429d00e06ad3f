"""Files: their header comments, their documents, and the effects of the compiler's arguments."""

from typing import List, NamedTuple

from kfp import compiler, dsl, kubernetes

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = 'it\'s "a" text: #1') -> str:
    """Says it, at length: äöü, 'quotes', and a very long line that goes on and on and on and on until it is longer than what YAML likes to have on a line."""
    return text


@dsl.component(base_image=IMAGE)
def make(data: dsl.Output[dsl.Dataset], model: dsl.Output[dsl.Model]):
    pass


@dsl.pipeline(description="The first line.\nThe second line.\n\nThe last line.")
def whole(
    data: dsl.Input[dsl.Dataset],
    text: str,
    empty: str = "",
    word: str = "it's",
    number: int = 3,
    real: float = 0.5,
    flag: bool = True,
    things: list = [1, "a"],
    parts: dict = {"a": 1.5},
) -> NamedTuple("Outputs", [("said", str), ("data", dsl.Dataset)]):
    said = say(text=text)
    made = make()
    outputs = NamedTuple("Outputs", [("said", str), ("data", dsl.Dataset)])
    return outputs(said.output, made.outputs["data"])


@dsl.pipeline(display_name="Set up")
def with_settings(names: List[str] = ["a"]):
    """Has settings of a platform."""
    kubernetes.add_pod_label(say(), "a", "b")


def of_a_pipeline(path):
    compiler.Compiler().compile(whole, path)


def of_a_component(path):
    compiler.Compiler().compile(say, package_path=path)


def of_a_component_with_artifacts(path):
    compiler.Compiler().compile(make, path)


def with_two_documents(path):
    compiler.Compiler().compile(with_settings, path)


def with_other_names(path):
    compiler.Compiler().compile(
        pipeline_func=whole,
        package_path=path,
        pipeline_name="other-name",
        pipeline_display_name="Another name",
        type_check=False,
    )


def with_other_defaults(path):
    compiler.Compiler().compile(
        whole,
        path,
        pipeline_parameters={
            "text": "b",
            "number": 4,
            "flag": False,
            "things": [],
            "parts": {"b": [1]},
            "word": None,
        },
    )


def of_a_component_with_defaults(path):
    compiler.Compiler().compile(
        say, path, pipeline_name="renamed", pipeline_parameters={"text": "b"}
    )


def as_json(path):
    compiler.Compiler().compile(whole, path)


as_json.ending = "written.json"


def as_yml(path):
    compiler.Compiler().compile(say, path)


as_yml.ending = "written.yml"


def as_a_manifest(path):
    compiler.Compiler().compile(with_settings, path, kubernetes_manifest_format=True)


def as_manifests(path):
    compiler.Compiler().compile(
        whole,
        path,
        kubernetes_manifest_format=True,
        kubernetes_manifest_options=compiler.KubernetesManifestOptions(
            pipeline_name="name",
            pipeline_display_name="Name",
            pipeline_version_name="version",
            pipeline_version_display_name="Version",
            namespace="team",
            include_pipeline_manifest=True,
        ),
    )


WRITTEN = [
    of_a_pipeline,
    of_a_component,
    of_a_component_with_artifacts,
    with_two_documents,
    with_other_names,
    with_other_defaults,
    of_a_component_with_defaults,
    as_json,
    as_yml,
    as_a_manifest,
    as_manifests,
]
