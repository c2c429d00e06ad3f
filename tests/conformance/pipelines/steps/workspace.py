"""The workspace."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input

from tests.conformance.cases import Case

WITH_WORKSPACE = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi"))
SHELL_WRITE = 'mkdir -p "$(dirname "$1")"; printf "%s" "$2" >> "$1"'


@dsl.component
def write(path: str, text: str) -> str:
    """Appends a text to a file; returns the path."""
    import os

    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        file.write(text)
    return path


@dsl.component
def read(path: str) -> str:
    """The text of a file."""
    with open(path) as file:
        return file.read()


@dsl.component
def names_in(folder: str) -> list:
    """The names of all files below a folder."""
    import os

    found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(os.path.relpath(path, folder) for path in found)


@dsl.component
def texts_of(places: dict) -> list:
    """The texts of the files that it names."""
    texts = []
    for path in places["paths"]:
        with open(path) as file:
            texts.append(file.read())
    return texts


@dsl.component
def read_artifact(data: Input[Dataset]) -> str:
    """The text of an artifact."""
    with open(data.path) as file:
        return file.read()


@dsl.container_component
def shell_write(path: str, text: str):
    """Appends a text to a file, by a container."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", SHELL_WRITE, "write"], [path, text])


@dsl.container_component
def in_workspace():
    """Writes to a path from its environment."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", 'printf there > "$PLACE/by-env"'])


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def file_between_steps() -> NamedTuple("Out", text=str, names=list):
    out = NamedTuple("Out", text=str, names=list)
    path = f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/deep/notes.txt"
    first = write(path=path, text="first;")
    second = shell_write(path=path, text="second;").after(first)
    text = read(path=path).after(second)
    names = names_in(folder=dsl.WORKSPACE_PATH_PLACEHOLDER).after(second)
    return out(text=text.output, names=names.output)


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def paths_with_other_things(name: str = "it's 1") -> NamedTuple("Out", one=str, two=list):
    out = NamedTuple("Out", one=str, two=list)
    place = dsl.WORKSPACE_PATH_PLACEHOLDER
    first = write(path=f"{place}/{name}/{dsl.PIPELINE_JOB_ID_PLACEHOLDER}", text="one")
    second = write(path=f"{place}/two", text="two")
    two = texts_of(places={"paths": [first.output, f"{place}/two"]}).after(second)
    return out(one=read(path=first.output).output, two=two.output)


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def in_the_command_and_the_environment() -> str:
    write_there = in_workspace().set_env_variable("PLACE", dsl.WORKSPACE_PATH_PLACEHOLDER)
    return read(path=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/by-env").after(write_there).output


@dsl.pipeline
def inner(path: str) -> str:
    written = write(path=path, text="inner;")
    return read(path=written.output).output


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def in_loops_and_nested_pipelines() -> NamedTuple("Out", nested=str, names=list):
    out = NamedTuple("Out", nested=str, names=list)
    place = dsl.WORKSPACE_PATH_PLACEHOLDER
    with dsl.ParallelFor(["a", "b"]) as item:
        looped = write(path=f"{place}/{item}.txt", text="x")
    nested = inner(path=f"{place}/nested.txt")
    names = names_in(folder=place).after(looped, nested)
    return out(nested=nested.output, names=names.output)


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def imported_into_the_workspace(path: str) -> str:
    written = write(path=path, text="imported")
    imported = dsl.importer(
        artifact_uri=written.output, artifact_class=Dataset, download_to_workspace=True
    )
    return read_artifact(data=imported.output).output


@dsl.pipeline(pipeline_config=WITH_WORKSPACE)
def a_workspace_is_new_for_each_run() -> list:
    first = names_in(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)
    write(path=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/left", text="x").after(first)
    return first.output


CASES = [
    Case(
        "a file in the workspace, shared by Python steps and containers",
        file_between_steps,
        "yes",
        outputs={"text": "first;second;", "names": ["deep/notes.txt"]},
        local=False,
    ),
    Case(
        "the workspace's path in longer texts, with other placeholders, in lists and objects",
        paths_with_other_things,
        "partly: not with other placeholders",
        outputs={"one": "one", "two": ["one", "two"]},
    ),
    Case(
        "the workspace's path in an environment variable",
        in_the_command_and_the_environment,
        "no: it is not resolved",
        outputs={"Output": "there"},
        local=False,
    ),
    Case(
        "the same workspace in loops and nested pipelines",
        in_loops_and_nested_pipelines,
        "yes",
        outputs={"nested": "inner;", "names": ["a.txt", "b.txt", "nested.txt"]},
    ),
    Case(
        "an artifact that is imported into the workspace",
        imported_into_the_workspace,
        "no: only constants and parameters are imported",
        args={"path": "<a writable path>"},
        outputs={"Output": "imported"},
    ),
    Case(
        "the workspace is empty when a run starts",
        a_workspace_is_new_for_each_run,
        "yes",
        outputs={"Output": []},
    ),
]
