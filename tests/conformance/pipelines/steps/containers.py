"""Containers."""

from typing import NamedTuple

from kfp import components, dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._shell import quiet


@dsl.container_component
def shell(script: str, value: dsl.OutputPath(str)):
    """Runs a script, which gets the path of its output as ``$1``."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", 'mkdir -p "$(dirname "$1")"; eval "$0"'], [script, value]
    )


@dsl.container_component
def words(text: str, number: int, value: dsl.OutputPath(str)):
    """Shows the words of its command line after the script: those of command, then of args."""
    script = (
        'for out; do :; done; mkdir -p "$(dirname "$out")";'
        ' [ $# -eq 6 ]; printf "%s|" "$1" "$2" "$3" "$4" "$5" > "$out"'
    )
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", script, "words", "first", text], ["", "--n=1", number, value]
    )


@dsl.container_component
def split(
    path: str,
    folder: dsl.OutputPath(str),
    name: dsl.OutputPath(str),
    length: dsl.OutputPath(int),
    copy: dsl.Output[dsl.Artifact],
):
    """Several outputs: three parameters, and an artifact."""
    script = (
        'mkdir -p "$(dirname "$2")" "$(dirname "$3")" "$(dirname "$4")" "$(dirname "$5")";'
        ' dirname "$1" | tr -d "\\n" > "$2"; basename "$1" | tr -d "\\n" > "$3";'
        ' printf "%s" "${#1}" > "$4"; printf "%s" "$1" > "$5"'
    )
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", script, "split"], [path, folder, name, length, copy.path]
    )


@dsl.container_component
def content(file: dsl.Input[dsl.Artifact], value: dsl.OutputPath(str)):
    """The text of a file."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-ec", 'mkdir -p "$(dirname "$1")"; cat "$0" > "$1"'], [file.path, value]
    )


@dsl.component
def variables(names: list) -> dict:
    """The environment variables of these names."""
    import os

    return {name: os.environ.get(name) for name in names}


OLD_COMPONENT = """
name: Old component
inputs:
- {name: Some text, type: String}
- {name: How many, type: Integer, default: '2', optional: true}
- {name: Data file, type: Dataset}
- {name: Not given, type: String, optional: true}
outputs:
- {name: Result text, type: String}
- {name: Result file, type: Dataset}
implementation:
  container:
    image: alpine
    command: [sh, -ec]
    args:
    - |
      mkdir -p "$(dirname "$4")" "$(dirname "$5")"
      printf '%s|%s|%s|' "$1" "$2" "$(cat "$3")" > "$4"; shift 3
      out="$1"; cp "$1" "$2"; shift 2; printf '%s|' "$@" >> "$out"
    - old
    - {inputValue: Some text}
    - {inputValue: How many}
    - {inputPath: Data file}
    - {outputPath: Result text}
    - {outputPath: Result file}
    - {concat: [--text=, {inputValue: Some text}]}
    - if:
        cond: {isPresent: Not given}
        then: [--given, {inputValue: Not given}]
        else: [--not-given]
"""


old = components.load_component_from_text(OLD_COMPONENT)


@dsl.component
def make_text(text: str, data: dsl.Output[dsl.Dataset]):
    """A file with a text."""
    with open(data.path, "w") as file:
        file.write(text)


@dsl.pipeline
def component_of_a_yaml_file() -> NamedTuple("Out", text=str, file=str):
    out = NamedTuple("Out", text=str, file=str)
    data = make_text(text="content").outputs["data"]
    made = old(some_text="a b", data_file=data)
    file = content(file=made.outputs["result_file"])
    return out(text=made.outputs["result_text"], file=file.outputs["value"])


@dsl.component
def leaves_a_process() -> str:
    """Ends while a process that it started is still running."""
    import subprocess

    subprocess.Popen(["sleep", "300"])
    return "done"


@dsl.pipeline
def a_process_left_behind() -> str:
    return leaves_a_process().output


@dsl.pipeline
def environment(name: str = "Ada") -> NamedTuple("Out", shell=str, python=dict):
    out = NamedTuple("Out", shell=str, python=dict)
    in_shell = shell(script='printf "%s/%s" "$PLAIN" "$QUOTED" > "$1"')
    in_shell.set_env_variable("PLAIN", "one").set_env_variable("QUOTED", 'it\'s "two" $HOME\nü')
    in_python = variables(names=["PLAIN", "ABSENT"]).set_env_variable("PLAIN", "one")
    return out(shell=in_shell.outputs["value"], python=in_python.output)


@dsl.pipeline
def command_then_args(text: str = "two words; $HOME *") -> str:
    return words(text=text, number=5).outputs["value"]


@dsl.pipeline
def several_outputs() -> NamedTuple("Out", folder=str, name=str, length=int, copied=str):
    out = NamedTuple("Out", folder=str, name=str, length=int, copied=str)
    made = split(path="/data/raw/train.csv").outputs
    return out(
        folder=made["folder"],
        name=made["name"],
        length=made["length"],
        copied=content(file=made["copy"]).outputs["value"],
    )


@dsl.pipeline
def writable_places() -> str:
    script = 'echo a > here.txt; echo b > "$HOME/home.txt"; t=$(mktemp); echo c > "$t"'
    return shell(
        script=f'{script}; cat here.txt "$HOME/home.txt" "$t" | tr -d "\\n" > "$1"'
    ).outputs["value"]


@dsl.pipeline
def input_is_empty() -> str:
    return shell(script='cat | wc -c | tr -d " \\n" > "$1"').outputs["value"]


@dsl.pipeline
def resources(cpu: str = "500m") -> str:
    count = shell(script='printf 1 > "$1"').outputs["value"]
    task = shell(script='printf done > "$1"')
    task.set_cpu_request("100m").set_cpu_limit(cpu).set_memory_request("64Mi")
    task.set_memory_limit("1G")
    task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(count)
    return task.outputs["value"]


@dsl.pipeline
def image_from_a_parameter(image: str = "registry.example/alpine:3") -> str:
    return shell(script='printf done > "$1"').set_container_image(image).outputs["value"]


@dsl.pipeline
def names_of_tasks() -> str:
    first = quiet(script="true").set_display_name("Open the gate: 1st")
    second = quiet(script="true").after(first)
    return shell(script='printf done > "$1"').after(first, second).outputs["value"]


@dsl.pipeline
def order_without_data(folder: str) -> str:
    first = quiet(script=f"mkdir -p {folder}; sleep 0.3; echo 1 >> {folder}/order")
    second = quiet(script=f"sleep 0.1; echo 2 >> {folder}/order").after(first)
    third = quiet(script=f"echo 3 >> {folder}/order").after(second)
    script = f'tr -d "\\n" < {folder}/order > "$1"; rm -r {folder}'
    return shell(script=script).after(first, third).outputs["value"]


@dsl.pipeline
def what_follows_a_failure_does_not_run():
    first = quiet(script="exit 1")
    second = quiet(script="true").after(first)
    quiet(script="true").after(second)


CASES = [
    Case(
        "environment variables of containers and Python steps",
        environment,
        "yes",
        outputs={
            "shell": 'one/it\'s "two" $HOME\nü',
            "python": {"PLAIN": "one", "ABSENT": None},
        },
        local=False,
    ),
    Case(
        "args after command, each passed unchanged: spaces, an empty string, a number",
        command_then_args,
        "yes",
        outputs={"Output": "first|two words; $HOME *||--n=1|5|"},
        local=False,
    ),
    Case(
        "a container with three output parameters and an artifact",
        several_outputs,
        "yes",
        outputs={
            "folder": "/data/raw",
            "name": "train.csv",
            "length": 19,
            "copied": "/data/raw/train.csv",
        },
        local=False,
    ),
    Case(
        "a component of a YAML file in the old format",
        component_of_a_yaml_file,
        "partly: a concatenation is not resolved",
        outputs={"text": "a b|2|content|--text=a b|--not-given|", "file": "a b|2|content|"},
        local=False,
    ),
    Case(
        "the working directory, the home and the temporary folder are writable",
        writable_places,
        "partly: as the image has them",
        outputs={"Output": "abc"},
        local=False,
    ),
    Case(
        "standard input is empty and does not block",
        input_is_empty,
        "yes",
        outputs={"Output": "0"},
        local=False,
    ),
    Case(
        "resource settings and an accelerator, from a parameter and from a step too",
        resources,
        "yes",
        outputs={"Output": "done"},
        local=False,
    ),
    Case(
        "an image from a parameter",
        image_from_a_parameter,
        "yes",
        outputs={"Output": "done"},
        local=False,
    ),
    Case(
        "names of tasks of one component, and display names",
        names_of_tasks,
        "yes",
        outputs={"Output": "done"},
        tasks={"quiet": "SUCCEEDED", "quiet-2": "SUCCEEDED", "shell": "SUCCEEDED"},
        local=False,
    ),
    Case(
        "tasks ordered with `after`, without data",
        order_without_data,
        "yes",
        args={"folder": "<a writable path>"},
        outputs={"Output": "123"},
        local=False,
    ),
    Case(
        "tasks after a failed task do not run",
        what_follows_a_failure_does_not_run,
        "yes",
        state="FAILED",
        tasks={"quiet": "FAILED", "quiet-2": "SKIPPED", "quiet-3": "SKIPPED"},
        local=False,
    ),
    Case(
        "a step does not wait for processes that it leaves behind",
        a_process_left_behind,
        "yes",
        outputs={"Output": "done"},
        local=False,
    ),
]
