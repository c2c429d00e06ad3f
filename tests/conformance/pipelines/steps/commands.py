"""Placeholders in commands."""

from typing import List, NamedTuple, Optional

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._command_words import concat, write_words


@dsl.container_component
def given_inputs(text: str, fields: dict, value: dsl.OutputPath(dict)):
    """The parameter values in the executor's input."""
    pattern = r's/.*"parameterValues":\(.*\),"artifacts".*"outputs".*/\1/'
    script = f'mkdir -p "$(dirname "$1")"; printf "%s" "$0" | sed \'{pattern}\' > "$1"'
    placeholder = dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [placeholder, value])


@dsl.container_component
def output_file(text: str, value: dsl.OutputPath(str), data: dsl.Output[dsl.Dataset]):
    """Writes its outputs to the executor's output file instead of one file each."""
    script = (
        'mkdir -p "$(dirname "$0")"; printf \'{"parameterValues":{"value":"%s"},"artifacts":'
        '{"data":{"artifacts":[{"name":"data","uri":"%s","metadata":{"rows":3}}]}}}\' "$1" "$2"'
        ' > "$0"'
    )
    placeholder = dsl.PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [placeholder, text, data.uri])


@dsl.container_component
def make_data(text: str, data: dsl.Output[dsl.Dataset]):
    """Writes a text to the path and to the URI of the output, which are the same file."""
    script = 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"; [ "$1" = "$2" ]'
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [text, data.path, data.uri])


@dsl.container_component
def read_data(data: dsl.Input[dsl.Dataset], value: dsl.OutputPath(str)):
    """The texts at the path and at the URI of an input."""
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
    """An input's metadata by key, with a key that does not exist."""
    metadata = data.metadata
    words = (metadata["rows"], metadata["name"], metadata["split"], metadata["tags"])
    return write_words(*words, metadata["absent"], value)


@dsl.container_component
def if_present(value: dsl.OutputPath(str), text: Optional[str] = None, n: Optional[int] = None):
    """Arguments that depend on the presence of inputs: single, a list, nested, concatenated."""
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
        "inputs of each type as arguments, by default and given",
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
        "no: it is not resolved",
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
        "concatenated arguments, and strings that contain inputs",
        concatenated,
        "no: a concatenation is not resolved",
        outputs={"Output": "[--n=7;<it's {x}>][it's {x}][it's {x}-7]"},
        local=False,
    ),
    Case(
        "arguments that depend on whether an input is present: one, a list, nested, concatenated",
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
        "arguments that depend on whether an artifact is present",
        artifacts_if_present,
        "no: parameters only",
        outputs={"present": "[--rows][12]", "absent": "[--nothing]"},
        local=False,
    ),
]
