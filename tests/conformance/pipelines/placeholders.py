"""Placeholders."""

from typing import List, NamedTuple, Optional

from kfp import dsl

from tests.conformance.cases import Case

LOOKALIKES = "{{$}} {{$.inputs.parameters['text']}} {{$.pipeline_job_name}} {{$.workspace_path}} {}"
WRITE = 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"'
WRITE_WORDS = (
    'for out; do :; done; mkdir -p "$(dirname "$out")"; : > "$out";'
    ' while [ $# -gt 1 ]; do printf "[%s]" "$1" >> "$out"; shift; done'
)


def write_words(*words) -> dsl.ContainerSpec:
    """A container that writes its words in brackets into the file that is the last word."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", WRITE_WORDS, "write"], list(words))


@dsl.container_component
def copy(text: str, value: dsl.OutputPath(str)):
    """Gives back its text."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", WRITE], [text, value])


@dsl.component
def same(text: str) -> str:
    """Gives back its argument."""
    return text


@dsl.component
def joined(words: list) -> str:
    """Its words, one in a line."""
    return "\n".join(words)


@dsl.container_component
def given_inputs(text: str, fields: dict, value: dsl.OutputPath(dict)):
    """The parameter values in the executor's input."""
    pattern = r's/.*"parameterValues":\(.*\),"artifacts".*"outputs".*/\1/'
    script = f'mkdir -p "$(dirname "$1")"; printf "%s" "$0" | sed \'{pattern}\' > "$1"'
    placeholder = dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [placeholder, value])


@dsl.container_component
def output_file(text: str, value: dsl.OutputPath(str), data: dsl.Output[dsl.Dataset]):
    """Gives its outputs in the executor's output file instead of files of their own."""
    script = (
        'mkdir -p "$(dirname "$0")"; printf \'{"parameterValues":{"value":"%s"},"artifacts":'
        '{"data":{"artifacts":[{"name":"data","uri":"%s","metadata":{"rows":3}}]}}}\' "$1" "$2"'
        ' > "$0"'
    )
    placeholder = dsl.PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [placeholder, text, data.uri])


@dsl.container_component
def make_data(text: str, data: dsl.Output[dsl.Dataset]):
    """A file with a text, where both the path and the URI of the output say."""
    script = 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"; [ "$1" = "$2" ]'
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [text, data.path, data.uri])


@dsl.container_component
def read_data(data: dsl.Input[dsl.Dataset], value: dsl.OutputPath(str)):
    """What is at the path and at the URI of an input."""
    script = 'mkdir -p "$(dirname "$2")"; cat "$0" "$1" > "$2"'
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [data.path, data.uri, value])


@dsl.component
def label_data(data: dsl.Output[dsl.Dataset]):
    """An artifact with metadata of several kinds."""
    data.metadata.update({"rows": 12, "name": "it's", "split": {"test": 0.5}, "tags": ["a", 1]})
    with open(data.path, "w") as file:
        file.write("x")


@dsl.container_component
def show_metadata(data: dsl.Input[dsl.Dataset], value: dsl.OutputPath(str)):
    """An input's metadata by key, and one that it has not."""
    metadata = data.metadata
    words = (metadata["rows"], metadata["name"], metadata["split"], metadata["tags"])
    return write_words(*words, metadata["absent"], value)


@dsl.container_component
def concat(text: str, number: int, data: dsl.Output[dsl.Dataset], value: dsl.OutputPath(str)):
    """Words that are put together of several things."""
    inner = dsl.ConcatPlaceholder(["<", text, ">"])
    return write_words(
        dsl.ConcatPlaceholder(["--n=", number, ";", inner]),
        dsl.ConcatPlaceholder([text]),
        f"{text}-{number}",
        value,
    )


@dsl.container_component
def if_present(value: dsl.OutputPath(str), text: Optional[str] = None, n: Optional[int] = None):
    """Words that are there if an input is, alone, as a list, nested, and in others."""
    return write_words(
        dsl.IfPresentPlaceholder("text", then=["--text", text], else_=["--no-text"]),
        dsl.IfPresentPlaceholder("n", then=dsl.ConcatPlaceholder(["--n=", n])),
        dsl.IfPresentPlaceholder(
            "text",
            then=dsl.IfPresentPlaceholder("n", then="both", else_="text alone"),
            else_=dsl.IfPresentPlaceholder("n", then="n alone", else_="none"),
        ),
        dsl.ConcatPlaceholder(["a", dsl.IfPresentPlaceholder("text", then=text, else_="-"), "z"]),
        value,
    )


@dsl.container_component
def present_data(value: dsl.OutputPath(str), data: dsl.Input[dsl.Dataset] = None):
    """Whether an optional artifact was given."""
    return write_words(
        dsl.IfPresentPlaceholder(
            "data", then=["--rows", data.metadata["rows"]], else_=["--nothing"]
        ),
        value,
    )


@dsl.container_component
def with_defaults(
    value: dsl.OutputPath(str),
    text: str = "default",
    number: float = 2.0,
    flag: bool = True,
    items: list = [1, "ü"],
    fields: dict = {"a": 1e-7},
    nothing: Optional[str] = None,
):
    """Its inputs as words."""
    return write_words(text, number, flag, items, fields, nothing, value)


@dsl.container_component
def list_data(several: dsl.Input[List[dsl.Dataset]], value: dsl.OutputPath(str)):
    """The texts of several artifacts, which are given as JSON."""
    script = (
        'mkdir -p "$(dirname "$1")"; : > "$1"; printf "%s" "$0" | tr "," "\\n"'
        ' | sed -n \'s/.*"uri":"\\([^"]*\\)".*/\\1/p\' | while read -r path; do'
        ' cat "$path" >> "$1"; done'
    )
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [several, value])


@dsl.pipeline
def executor_input(text: str = 'a "quoted" text') -> dict:
    return given_inputs(text=text, fields={"a": [1, 2.5, "ü"]}).outputs["value"]


@dsl.pipeline
def executor_output_file(text: str = "from the file") -> str:
    return output_file(text=text).outputs["value"]


@dsl.pipeline
def paths_and_uris(text: str = "some data;") -> str:
    return read_data(data=make_data(text=text).outputs["data"]).outputs["value"]


@dsl.pipeline
def defaults_in_a_command() -> NamedTuple("Out", defaults=str, given=str):
    out = NamedTuple("Out", defaults=str, given=str)
    given = with_defaults(text="", number=12345678.5, flag=False, items=[], fields={"b": [1, 2.5]})
    return out(defaults=with_defaults().outputs["value"], given=given.outputs["value"])


@dsl.pipeline
def lists_of_artifacts_in_a_command() -> str:
    with dsl.ParallelFor(["a;", "b;"]) as item:
        made = make_data(text=item)
    return list_data(several=dsl.Collected(made.outputs["data"])).outputs["value"]


@dsl.pipeline
def metadata_in_a_command() -> str:
    return show_metadata(data=label_data().outputs["data"]).outputs["value"]


@dsl.pipeline
def concatenated(text: str = "it's {x}") -> str:
    return concat(text=text, number=7).outputs["value"]


@dsl.pipeline
def words_if_present(
    text: Optional[str] = None,
) -> NamedTuple("Out", both=str, text=str, n=str, none=str, null=str):
    out = NamedTuple("Out", both=str, text=str, n=str, none=str, null=str)
    return out(
        both=if_present(text="t", n=2).outputs["value"],
        text=if_present(text="").outputs["value"],
        n=if_present(n=0).outputs["value"],
        none=if_present().outputs["value"],
        null=if_present(text=text).outputs["value"],
    )


@dsl.pipeline
def artifacts_if_present() -> NamedTuple("Out", present=str, absent=str):
    out = NamedTuple("Out", present=str, absent=str)
    return out(
        present=present_data(data=label_data().outputs["data"]).outputs["value"],
        absent=present_data().outputs["value"],
    )


@dsl.component
def about_the_run(
    run_name: str, run_id: str, resource: str, task: str, task_id: str, created: str
) -> str:
    """What is known beforehand of them, after a look at the rest."""
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


@dsl.component
def values() -> NamedTuple("Values", n=int, x=float, flag=bool, items=list, fields=dict, text=str):
    """One value of each type."""
    from collections import namedtuple

    names = ["n", "x", "flag", "items", "fields", "text"]
    text = "{" + '{$.pipeline_job_name}} "q" {' + "{$.inputs.parameters['n']}}"
    return namedtuple("Values", names)(7, 0.25, True, [1, "ü"], {"a": None}, text)


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
        "the executor's input, as JSON",
        executor_input,
        "yes",
        outputs={"Output": {"text": 'a "quoted" text', "fields": {"a": [1, 2.5, "ü"]}}},
        local=False,
    ),
    Case(
        "outputs given in the executor's output file",
        executor_output_file,
        "no: the file's placeholder is not resolved",
        outputs={"Output": "from the file"},
        metadata={"output-file:data": {"rows": 3}},
        local=False,
    ),
    Case(
        "paths and URIs of input and output artifacts",
        paths_and_uris,
        "partly: a URI is of the object store",
        outputs={"Output": "some data;some data;"},
        local=False,
    ),
    Case(
        "inputs of each type as words, by default and given",
        defaults_in_a_command,
        "yes",
        outputs={
            "defaults": '[default][2][true][[1,"ü"]][{"a":1e-07}][]',
            "given": '[][12345678.5][false][[]][{"b":[1,2.5]}][]',
        },
        local=False,
    ),
    Case(
        "a list of artifacts, as JSON",
        lists_of_artifacts_in_a_command,
        "no: it stays as it is",
        outputs={"Output": "a;b;"},
        local=False,
    ),
    Case(
        "metadata of an input artifact by key",
        metadata_in_a_command,
        "no: metadata are not resolved",
        outputs={"Output": '[12][it\'s][{"test":0.5}][["a",1]][]'},
        local=False,
    ),
    Case(
        "concatenated words, and texts with inputs in them",
        concatenated,
        "no: a concatenation is not resolved",
        outputs={"Output": "[--n=7;<it's {x}>][it's {x}][it's {x}-7]"},
        local=False,
    ),
    Case(
        "words that are there if an input is: one, a list, nested, in a concatenation",
        words_if_present,
        "partly: not with concatenations",
        outputs={
            "both": "[--text][t][--n=2][both][atz]",
            "text": "[--text][][text alone][az]",
            "n": "[--no-text][--n=0][n alone][a-z]",
            "none": "[--no-text][none][a-z]",
            "null": "[--no-text][none][a-z]",
        },
        local=False,
    ),
    Case(
        "words that are there if an artifact is",
        artifacts_if_present,
        "no: parameters only",
        outputs={"present": "[--rows][12]", "absent": "[--nothing]"},
        local=False,
    ),
    Case(
        "facts about the run and the task as constants",
        placeholders_as_constants,
        "yes",
        options={"display_name": 'a "run" of mine'},
        outputs={
            "first": 'a "run" of mine about-the-run',
            "second": 'a "run" of mine about-the-run-2',
        },
    ),
    Case(
        "the pipeline root as a constant is where artifacts go, also where none was chosen",
        root_of_the_run,
        "no: it stays as it is",
        outputs={"Output": True},
    ),
    Case(
        "facts about the run, inputs and upstream outputs in longer texts and lists",
        placeholders_in_texts,
        "no: facts stay as they are, quotes in inputs break the executor's input",
        options={"display_name": 'the "run"'},
        outputs={
            "text": 'the "run"/same: "Ada" said: it\'s {x}, Ada; the "run"',
            "items": 'in the "run"\n"Ada" said: it\'s {x}\nplain',
        },
        local=False,
    ),
    Case(
        "a loop's item and the run's name in a text",
        placeholders_in_loops,
        "partly: the item, not the name",
        options={"display_name": "mine"},
        outputs={"Output": ["a in mine", "b in mine"]},
        local=False,
    ),
    Case(
        "outputs of each type in a text, once",
        outputs_in_texts,
        "no: quotes in a value break the executor's input",
        outputs={
            "Output": '7 0.25 true [1,"ü"] {"a":null} '
            "{{$.pipeline_job_name}} \"q\" {{$.inputs.parameters['n']}}"
        },
    ),
    Case(
        "a value that looks like a placeholder stays",
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
        "no: it stays as it is",
        options={"display_name": "mine"},
        outputs={"Output": "in mine"},
        local=False,
    ),
]
