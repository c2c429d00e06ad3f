"""Importers."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from tests.conformance.cases import Case

ELSEWHERE = "gs://bucket/somewhere/data.csv"


@dsl.component
def write(path: str, text: str) -> str:
    """Writes a text to a path of this machine; returns the path."""
    import os

    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


@dsl.component
def write_folder(path: str) -> str:
    """Writes a folder with two files to a path of this machine; returns the path."""
    import os

    os.makedirs(path, exist_ok=True)
    for name in ("a", "b"):
        with open(os.path.join(path, name), "w") as file:
            file.write(name)
    return path


@dsl.component
def make(text: str, data: Output[Dataset]):
    """An artifact that contains a text."""
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component
def uri_of(data: Input[Artifact]) -> str:
    """The URI of an artifact."""
    return data.uri


@dsl.component
def read(data: Input[Artifact]) -> str:
    """The text of an artifact."""
    with open(data.path) as file:
        return file.read()


@dsl.component
def names_in(data: Input[Artifact]) -> list:
    """The names of the files in a folder."""
    import os

    return sorted(os.listdir(data.path))


@dsl.component
def metadata_of(data: Input[Model]) -> dict:
    """An artifact's metadata."""
    return dict(data.metadata)


@dsl.component
def kind_of(data: Input[Artifact]) -> str:
    """The class of an artifact."""
    return type(data).__name__


@dsl.component
def fails() -> str:
    """Fails."""
    raise ValueError("no URI today")


@dsl.pipeline
def import_a_constant() -> NamedTuple("Out", uri=str, kind=str):
    out = NamedTuple("Out", uri=str, kind=str)
    data = dsl.importer(artifact_uri=ELSEWHERE, artifact_class=Dataset).output
    return out(uri=uri_of(data=data).output, kind=kind_of(data=data).output)


@dsl.pipeline
def import_a_parameter(uri: str = "s3://bucket/default") -> str:
    return uri_of(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output).output


@dsl.pipeline
def import_what_a_step_wrote(path: str) -> str:
    written = write(path=path, text="written by hand")
    imported = dsl.importer(artifact_uri=written.output, artifact_class=Dataset)
    return read(data=imported.output).output


@dsl.pipeline
def import_what_a_step_made() -> str:
    made = make(text="made by a step")
    uri = uri_of(data=made.outputs["data"]).output
    return read(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output).output


@dsl.pipeline
def import_a_folder(path: str) -> list:
    written = write_folder(path=path)
    imported = dsl.importer(artifact_uri=written.output, artifact_class=Artifact)
    return names_in(data=imported.output).output


@dsl.pipeline
def import_in_a_loop(path: str) -> NamedTuple("Out", uris=list, texts=list):
    out = NamedTuple("Out", uris=list, texts=list)
    with dsl.ParallelFor(["gs://bucket/a", "gs://bucket/b"]) as uri:
        uris = uri_of(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output)
    with dsl.ParallelFor(["x", "y"]) as name:
        written = write(path=f"{path}/{name}", text=f"this is {name}")
        imported = dsl.importer(artifact_uri=written.output, artifact_class=Dataset)
        texts = read(data=imported.output)
    return out(uris=dsl.Collected(uris.output), texts=dsl.Collected(texts.output))


@dsl.pipeline
def import_with_metadata(name: str = "gate", version: int = 3) -> dict:
    imported = dsl.importer(
        artifact_uri="gs://bucket/models/1",
        artifact_class=Model,
        metadata={
            "name": name,
            "title": f"{name}, version {version}",
            "nested": {"list": [name, "plain", 4]},
        },
    )
    return metadata_of(data=imported.output).output


@dsl.pipeline
def import_with_metadata_keys(key: str = "gate") -> dict:
    imported = dsl.importer(
        artifact_uri="gs://bucket/models/2",
        artifact_class=Model,
        metadata={key: "a key", "inside": {f"the {key}": 1}},
    )
    return metadata_of(data=imported.output).output


@dsl.pipeline
def import_again(path: str) -> NamedTuple("Out", reused=str, again=str):
    out = NamedTuple("Out", reused=str, again=str)
    written = write(path=path, text="the same")
    reused = dsl.importer(artifact_uri=written.output, artifact_class=Dataset, reimport=False)
    again = dsl.importer(artifact_uri=written.output, artifact_class=Dataset, reimport=True)
    return out(reused=read(data=reused.output).output, again=read(data=again.output).output)


@dsl.pipeline
def import_if(uri: str = "gs://bucket/if", wanted: bool = False) -> str:
    with dsl.If(wanted == True):  # noqa: E712
        first = uri_of(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output)
    with dsl.Else():
        second = uri_of(
            data=dsl.importer(artifact_uri="gs://bucket/else", artifact_class=Dataset).output
        )
    return dsl.OneOf(first.output, second.output)


@dsl.pipeline
def inner_import(uri: str) -> Dataset:
    return dsl.importer(artifact_uri=uri, artifact_class=Dataset).output


@dsl.pipeline
def import_in_a_nested_pipeline() -> str:
    return uri_of(data=inner_import(uri="gs://bucket/nested").output).output


@dsl.pipeline
def import_after_a_failure():
    imported = dsl.importer(artifact_uri=fails().output, artifact_class=Dataset)
    read(data=imported.output)


@dsl.pipeline
def import_of_nothing(uri: str = ""):
    uri_of(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output)


CASES = [
    Case(
        "a constant URI",
        import_a_constant,
        "yes",
        outputs={"uri": ELSEWHERE, "kind": "Dataset"},
        tasks={"importer": "SUCCEEDED"},
    ),
    Case(
        "the URI of a parameter",
        import_a_parameter,
        "yes",
        args={"uri": "s3://somebody/else's data"},
        outputs={"Output": "s3://somebody/else's data"},
    ),
    Case(
        "a URI from a step's output: a file of this machine",
        import_what_a_step_wrote,
        "no: only constants and parameters",
        args={"path": "<a writable path>"},
        outputs={"Output": "written by hand"},
    ),
    Case(
        "a URI from a step's output: an artifact of the run",
        import_what_a_step_made,
        "no: only constants and parameters",
        outputs={"Output": "made by a step"},
    ),
    Case(
        "a folder of this machine",
        import_a_folder,
        "no: only constants and parameters",
        args={"path": "<a writable path>"},
        outputs={"Output": ["a", "b"]},
    ),
    Case(
        "importers in loops: of an item, and of a step's output",
        import_in_a_loop,
        "no: an importer in a loop fails",
        args={"path": "<a writable path>"},
        outputs={
            "uris": ["gs://bucket/a", "gs://bucket/b"],
            "texts": ["this is x", "this is y"],
        },
    ),
    Case(
        "metadata with parameters in strings and lists",
        import_with_metadata,
        "partly: references are not resolved",
        args={"name": 'the "gate"'},
        outputs={
            "Output": {
                "name": 'the "gate"',
                "title": 'the "gate", version 3',
                "nested": {"list": ['the "gate"', "plain", 4]},
            }
        },
    ),
    Case(
        "parameters in the keys of metadata",
        import_with_metadata_keys,
        "no: keys are not resolved",
        args={"key": "valve"},
        outputs={"Output": {"valve": "a key", "inside": {"the valve": 1}}},
    ),
    Case(
        "the same URI, with and without reimport",
        import_again,
        "no: only constants and parameters",
        args={"path": "<a writable path>"},
        outputs={"reused": "the same", "again": "the same"},
    ),
    Case(
        "importers in branches",
        import_if,
        "yes",
        outputs={"Output": "gs://bucket/else"},
    ),
    Case(
        "an importer in a nested pipeline",
        import_in_a_nested_pipeline,
        "yes",
        outputs={"Output": "gs://bucket/nested"},
    ),
    Case(
        "an importer of the output of a failed step does not run",
        import_after_a_failure,
        "no: only constants and parameters",
        state="FAILED",
        tasks={"fails": "FAILED", "importer": "SKIPPED", "read": "SKIPPED"},
        error="no URI today",
    ),
    Case(
        "an empty URI fails the importer with an error message",
        import_of_nothing,
        "yes",
        state="FAILED",
        tasks={"importer": "FAILED", "uri-of": "SKIPPED"},
        error="the URI to import",
    ),
]
