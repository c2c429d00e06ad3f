"""The cache."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.cases import Case


@dsl.component
def stamp(text: str = "") -> str:
    """A text that differs in every execution."""
    import uuid

    return f"{text}{uuid.uuid4()}"


@dsl.component
def length(text: str) -> int:
    """The number of characters."""
    return len(text)


@dsl.component
def make(text: str, data: Output[Dataset]):
    """A dataset that differs in every execution."""
    import uuid

    data.metadata["stamp"] = str(uuid.uuid4())
    with open(data.path, "w") as file:
        file.write(text + data.metadata["stamp"])


@dsl.component
def size(data: Input[Dataset]) -> int:
    """The size of a dataset, in characters."""
    with open(data.path) as file:
        return len(file.read())


@dsl.component
def content(data: Input[Dataset]) -> str:
    """The text of a dataset, which its metadata contain too."""
    with open(data.path) as file:
        text = file.read()
    if data.metadata["stamp"] not in text:
        raise ValueError(f"{text} is not of {data.metadata}")
    return text


@dsl.component
def same(first: str, second: str) -> bool:
    """Whether two texts are the same."""
    return first == second


@dsl.component
def fails(text: str) -> str:
    """Fails."""
    raise ValueError(f"no use of {text}")


@dsl.component
def uri_length(data: Input[Dataset]) -> int:
    """The length of an artifact's URI."""
    return len(data.uri)


@dsl.container_component
def shell_size(data: Input[Dataset], value: dsl.OutputPath(int)):
    """The size of a dataset, in bytes, by a container."""
    script = 'mkdir -p "$(dirname "$1")"; wc -c < "$0" | tr -d " \\n" > "$1"'
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [data.path, value])


@dsl.pipeline
def parameters_from_the_cache(text: str = "x") -> NamedTuple("Out", stamp=str, length=int):
    out = NamedTuple("Out", stamp=str, length=int)
    first = stamp(text=text)
    return out(stamp=first.output, length=length(text=first.output).output)


@dsl.pipeline
def artifacts_from_the_cache() -> NamedTuple("Out", content=str, size=int):
    out = NamedTuple("Out", content=str, size=int)
    made = make(text="x").outputs["data"]
    return out(content=content(data=made).output, size=shell_size(data=made).outputs["value"])


@dsl.pipeline
def a_changed_parameter() -> NamedTuple("Out", kept=str, changed=int, downstream=int):
    out = NamedTuple("Out", kept=str, changed=int, downstream=int)
    changed = length(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    return out(
        kept=stamp(text="kept").output,
        changed=changed.output,
        downstream=length(text=f"{changed.output}").output,
    )


@dsl.pipeline
def one_task_without_the_cache() -> NamedTuple("Out", cached=str, length=int):
    out = NamedTuple("Out", cached=str, length=int)
    not_cached = stamp(text="no").set_caching_options(False)
    return out(
        cached=stamp(text="yes").output,
        length=length(text="abc").after(not_cached).output,
    )


@dsl.pipeline
def a_key_of_its_own() -> str:
    keyed = stamp(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    return keyed.set_caching_options(True, cache_key="my key").output


@dsl.pipeline
def a_new_artifact_upstream() -> NamedTuple("Out", size=int, apart=str):
    out = NamedTuple("Out", size=int, apart=str)
    made = make(text="x").set_caching_options(False)
    return out(size=size(data=made.outputs["data"]).output, apart=stamp().output)


@dsl.pipeline
def an_equal_parameter_upstream() -> str:
    counted = length(text="abc").set_caching_options(False)
    return stamp(text=f"{counted.output}").output


@dsl.pipeline
def a_failed_task():
    fails(text=stamp(text="x").output)


@dsl.pipeline
def in_loops() -> list:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = stamp(text=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def inner(text: str) -> str:
    return content(data=make(text=text).outputs["data"]).output


@dsl.pipeline
def in_nested_pipelines() -> NamedTuple("Out", first=str, branch=str):
    out = NamedTuple("Out", first=str, branch=str)
    first = inner(text="first")
    with dsl.If(length(text="abc").output == 3):
        yes = stamp(text="yes")
    with dsl.Else():
        no = stamp(text="no")
    return out(first=first.output, branch=dsl.OneOf(yes.output, no.output))


@dsl.pipeline
def twice_in_one_run() -> bool:
    first = stamp(text="x")
    second = stamp(text="x").after(first)
    second.set_env_variable("A", "b").set_memory_limit("1G").set_display_name("Second")
    return same(first=first.output, second=second.output).output


@dsl.pipeline
def of_imported_artifacts() -> NamedTuple("Out", reused=int, imported=int):
    out = NamedTuple("Out", reused=int, imported=int)
    uri = "gs://bucket/data"
    reused = dsl.importer(artifact_uri=uri, artifact_class=Dataset, reimport=False)
    again = dsl.importer(artifact_uri=uri, artifact_class=Dataset, reimport=True)
    return out(
        reused=uri_length(data=reused.output).output, imported=uri_length(data=again.output).output
    )


CASES = [
    Case(
        "output parameters come from the cache",
        parameters_from_the_cache,
        "yes",
        args={"text": "a"},
        outputs={"length": 37},
        cached=("stamp", "length"),
    ),
    Case(
        "artifacts come from the cache, with their content and metadata",
        artifacts_from_the_cache,
        "yes",
        outputs={"size": 37},
        cached=("make", "content", "shell-size"),
        local=False,
    ),
    Case(
        "a step with a changed parameter runs again; a step after it with the same inputs does not",
        a_changed_parameter,
        "yes",
        outputs={"changed": 36, "downstream": 2},
        cached=("stamp", "length-2"),
    ),
    Case(
        "a task without caching runs again; the others are cache hits",
        one_task_without_the_cache,
        "yes",
        outputs={"length": 3},
        cached=("stamp-2", "length"),
    ),
    Case(
        "a custom cache key gives a cache hit whatever the inputs",
        a_key_of_its_own,
        "partly: since 2.17 only",
        cached=("stamp",),
    ),
    Case(
        "a new artifact from a task without the cache makes the next one run",
        a_new_artifact_upstream,
        "yes",
        outputs={"size": 37},
        cached=("stamp",),
    ),
    Case(
        "an equal parameter from a task without the cache does not",
        an_equal_parameter_upstream,
        "yes",
        cached=("stamp",),
    ),
    Case(
        "a failed task is no cache hit, the tasks before it are",
        a_failed_task,
        "yes",
        state="FAILED",
        tasks={"stamp": "SUCCEEDED", "fails": "FAILED"},
        error="no use of x",
        cached=("stamp",),
    ),
    Case(
        "tasks in loops",
        in_loops,
        "yes",
        cached=("for-loop-2/0/stamp", "for-loop-2/1/stamp"),
    ),
    Case(
        "tasks in nested pipelines and branches",
        in_nested_pipelines,
        "yes",
        tasks={"condition-branches-1/condition-3": "SKIPPED"},
        cached=(
            "inner/make",
            "inner/content",
            "length",
            "condition-branches-1/condition-2/stamp",
        ),
    ),
    Case(
        "an equal task of the same run; environment, resources and names are not part of the key",
        twice_in_one_run,
        "yes",
        outputs={"Output": True},
        cached=("stamp", "stamp-2", "same"),
    ),
    Case(
        "an artifact that is imported again is a new one",
        of_imported_artifacts,
        "no: it counts as the same artifact",
        outputs={"reused": 16, "imported": 16},
        cached=("uri-length",),
    ),
]
