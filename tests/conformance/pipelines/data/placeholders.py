"""Placeholders in values."""

from typing import NamedTuple

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._command_words import concat

LOOKALIKES = "{{$}} {{$.inputs.parameters['text']}} {{$.pipeline_job_name}} {{$.workspace_path}} {}"


WRITE = 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"'


@dsl.container_component
def copy(text: str, value: dsl.OutputPath(str)):
    """Returns its text."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", WRITE], [text, value])


@dsl.component
def same(text: str) -> str:
    """Returns its argument."""
    return text


@dsl.component
def joined(words: list) -> str:
    """Its words, one per line."""
    return "\n".join(words)


@dsl.component
def about_the_run(
    run_name: str, run_id: str, resource: str, task: str, task_id: str, created: str
) -> str:
    """The predictable values, after a check of the others."""
    import datetime
    import os
    import uuid

    assert uuid.UUID(run_id) != uuid.UUID(task_id)
    assert run_id == os.environ.get("HEADRACE_RUN_ID", run_id)
    assert len(resource) > len("placeholders-as-constants-"), resource
    assert resource.startswith("placeholders-as-constants-"), resource
    datetime.datetime.fromisoformat(created.replace("Z", "+00:00"))
    return f"{run_name} {task}"


@dsl.pipeline
def placeholders_as_constants() -> NamedTuple("Out", first=str, second=str):
    out = NamedTuple("Out", first=str, second=str)
    given = {
        "run_name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        "resource": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
        "task": dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
        "task_id": dsl.PIPELINE_TASK_ID_PLACEHOLDER,
    }
    first = about_the_run(**given, created=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER)
    second = about_the_run(**given, created=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)
    return out(first=first.output, second=second.output)


@dsl.component
def is_a_place(root: str) -> bool:
    """Whether the root is a URI or a path."""
    return "/" in root


@dsl.pipeline
def root_of_the_run() -> bool:
    return is_a_place(root=dsl.PIPELINE_ROOT_PLACEHOLDER).output


@dsl.pipeline
def placeholders_in_texts(who: str = "Ada") -> NamedTuple("Out", text=str, items=str):
    out = NamedTuple("Out", text=str, items=str)
    said = copy(text=f'"{who}" said: it\'s {{x}}')
    name = dsl.PIPELINE_JOB_NAME_PLACEHOLDER
    text = same(
        text=f"{name}/{dsl.PIPELINE_TASK_NAME_PLACEHOLDER}: {said.outputs['value']}, {who}; {name}"
    )
    items = joined(words=[f"in {name}", said.outputs["value"], "plain"])
    return out(text=text.output, items=items.output)


@dsl.pipeline
def placeholders_in_loops() -> list:
    with dsl.ParallelFor(["a", "b"]) as item:
        said = copy(text=f"{item} in {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")
    return dsl.Collected(said.outputs["value"])


@dsl.pipeline
def placeholders_in_the_items_of_a_loop() -> list:
    with dsl.ParallelFor([f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}/a", "b"]) as item:
        said = same(text=item)
    return dsl.Collected(said.output)


@dsl.component
def values() -> NamedTuple("Values", n=int, x=float, flag=bool, items=list, fields=dict, text=str):
    """One value of each type."""
    from collections import namedtuple

    names = ["n", "x", "flag", "items", "fields", "text"]
    text = "{" + '{$.pipeline_job_name}} "q" {' + "{$.inputs.parameters['n']}}"
    return namedtuple("Values", names)(7, 0.25, True, [1, "ü"], {"a": [1]}, text)


@dsl.pipeline
def outputs_in_texts() -> str:
    made = values().outputs
    shown = f"{made['n']} {made['x']} {made['flag']} {made['items']} {made['fields']}"
    return same(text=f"{shown} {made['text']}").output


@dsl.pipeline
def lookalikes(text: str) -> NamedTuple("Out", container=str, python=str, joined=str):
    out = NamedTuple("Out", container=str, python=str, joined=str)
    container = copy(text=copy(text=text).outputs["value"])
    python = same(text=same(text=text).output)
    both = concat(text=text, number=1)
    return out(
        container=container.outputs["value"], python=python.output, joined=both.outputs["value"]
    )


@dsl.container_component
def read_variable(value: dsl.OutputPath(str)):
    """The variable WHO."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", 'mkdir -p "$(dirname "$0")"; printf "%s" "$WHO" > "$0"'], [value]
    )


@dsl.pipeline
def placeholders_in_variables() -> str:
    name = dsl.PIPELINE_JOB_NAME_PLACEHOLDER
    return read_variable().set_env_variable("WHO", f"in {name}").outputs["value"]


CASES = [
    Case(
        "properties of the run and the task as constants",
        placeholders_as_constants,
        "yes",
        options={"display_name": 'a "run" of mine'},
        outputs={
            "first": 'a "run" of mine about-the-run',
            "second": 'a "run" of mine about-the-run-2',
        },
        local=False,
    ),
    Case(
        "the pipeline root as a constant is the artifacts' location, also by default",
        root_of_the_run,
        "no: it is not resolved",
        outputs={"Output": True},
    ),
    Case(
        "properties of the run, inputs and upstream outputs in longer strings and lists",
        placeholders_in_texts,
        "no: facts are not resolved, and quotes in inputs break the executor's input",
        options={"display_name": 'the "run"'},
        outputs={
            "text": 'the "run"/same: "Ada" said: it\'s {x}, Ada; the "run"',
            "items": 'in the "run"\n"Ada" said: it\'s {x}\nplain',
        },
        local=False,
    ),
    Case(
        "a loop's item and the run's name in a string",
        placeholders_in_loops,
        "partly: the item, not the name",
        options={"display_name": "mine"},
        outputs={"Output": ["a in mine", "b in mine"]},
        local=False,
    ),
    Case(
        "outputs of each type in a string, once",
        outputs_in_texts,
        "no: quotes in a value break the executor's input",
        outputs={
            "Output": '7 0.25 true [1,"ü"] {"a":[1]} '
            "{{$.pipeline_job_name}} \"q\" {{$.inputs.parameters['n']}}"
        },
    ),
    Case(
        "a value that looks like a placeholder is not resolved",
        lookalikes,
        "partly: in commands it is resolved again",
        args={"text": LOOKALIKES},
        outputs={
            "container": LOOKALIKES,
            "python": LOOKALIKES,
            "joined": f"[--n=1;<{LOOKALIKES}>][{LOOKALIKES}][{LOOKALIKES}-1]",
        },
        local=False,
    ),
    Case(
        "the run's name in an environment variable",
        placeholders_in_variables,
        "no: it is not resolved",
        options={"display_name": "mine"},
        outputs={"Output": "in mine"},
        local=False,
    ),
    Case(
        "the run's name in the items of a loop",
        placeholders_in_the_items_of_a_loop,
        "no: it is not resolved",
        options={"display_name": "mine"},
        outputs={"Output": ["mine/a", "b"]},
        local=False,
    ),
]
