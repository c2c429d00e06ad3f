"""Steps that the pipelines are made of. All but the last two are shell, so they start at once."""

from functools import partial
from typing import List

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.cases import Case

ShellCase = partial(Case, local=False)
"""A case with steps that are containers, which `kfp.local` runs only in Docker."""

_GIVE = 'mkdir -p "$(dirname "$1")" && printf "%s" "$0" > "$1"'


def _shell(script: str, *arguments: object) -> dsl.ContainerSpec:
    """A container that runs the script with `$0`, `$1`, ..."""
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], list(arguments))


@dsl.container_component
def say(text: str, value: dsl.OutputPath(str)):
    """Returns its text."""
    return _shell(f'{_GIVE}; echo "said: $0"', text, value)


@dsl.container_component
def join(first: str, second: str, value: dsl.OutputPath(str)):
    """Returns two texts joined."""
    return _shell(
        'mkdir -p "$(dirname "$2")" && printf "%s, %s" "$0" "$1" > "$2"', first, second, value
    )


@dsl.container_component
def shout(text: str, value: dsl.OutputPath(str)):
    """Returns its text in capitals."""
    script = 'mkdir -p "$(dirname "$1")" && printf "%s" "$0" | tr a-z A-Z > "$1"'
    return _shell(script, text, value)


@dsl.container_component
def count(number: int, value: dsl.OutputPath(int)):
    """Returns its number."""
    return _shell(_GIVE, number, value)


@dsl.container_component
def measure(number: float, value: dsl.OutputPath(float)):
    """Returns its number."""
    return _shell(_GIVE, number, value)


@dsl.container_component
def decide(choice: bool, value: dsl.OutputPath(bool)):
    """Returns its choice."""
    return _shell(_GIVE, choice, value)


@dsl.container_component
def enlist(items: list, value: dsl.OutputPath(list)):
    """Returns its list."""
    return _shell(_GIVE, items, value)


@dsl.container_component
def quote_dict(item: dict, value: dsl.OutputPath(str)):
    """Returns its dict as JSON text."""
    return _shell(_GIVE, item, value)


@dsl.container_component
def quote(items: list, value: dsl.OutputPath(str)):
    """Returns its list as JSON text."""
    return _shell(_GIVE, items, value)


@dsl.container_component
def write(text: str, data: Output[Dataset]):
    """Writes its text into an artifact."""
    return _shell(_GIVE, text, data.path)


@dsl.container_component
def read(data: Input[Dataset], text: dsl.OutputPath(str)):
    """Returns the text of an artifact."""
    return _shell('mkdir -p "$(dirname "$1")" && cp "$0" "$1"', data.path, text)


@dsl.container_component
def fail(words: str):
    """Prints its words and fails."""
    return _shell("echo $0; exit 3", words)


@dsl.container_component
def fail_until(file: str, attempt: int, value: dsl.OutputPath(int)):
    """Fails before its n-th attempt, which returns KFP's number of the retry, from 0. The file gets
    a line for each attempt: the second in which it started."""
    script = (
        'date +%s >> "$0"; made=$(wc -l < "$0"); [ "$made" -ge "$1" ] || { echo early; exit 1; };'
        'mkdir -p "$(dirname "$2")" && printf "%s" "$KFP_RETRY_INDEX" > "$2"'
    )
    return _shell(script, file, attempt, value)


@dsl.container_component
def count_lines(file: str, value: dsl.OutputPath(int)):
    """Returns the number of lines of a file."""
    return _shell('mkdir -p "$(dirname "$1")" && printf %s $(wc -l < "$0") > "$1"', file, value)


@dsl.container_component
def seconds_between(file: str, least: int, value: dsl.OutputPath(bool)):
    """Whether the time in the file's last line is at least that many seconds after its first."""
    script = (
        'past=$(($(tail -n 1 "$0") - $(head -n 1 "$0"))); mkdir -p "$(dirname "$2")";'
        '[ "$past" -ge "$1" ] && printf true > "$2" || printf false > "$2"'
    )
    return _shell(script, file, least, value)


@dsl.container_component
def find(file: str):
    """Fails if the file does not exist."""
    return _shell('[ -e "$0" ]', file)


@dsl.container_component
def forget_output(value: dsl.OutputPath(str)):
    """Does not write its declared output."""
    return _shell(": $0", value)


@dsl.container_component
def say_number(text: str, value: dsl.OutputPath(int)):
    """Returns its text as a number."""
    return _shell(_GIVE, text, value)


@dsl.container_component
def hang():
    """Runs for ten minutes."""
    return _shell("exec sleep 600")


@dsl.container_component
def note(file: str, line: str, value: dsl.OutputPath(str)):
    """Adds a line to a file, and returns all lines, separated by spaces."""
    script = (
        'echo "$1" >> "$0"; mkdir -p "$(dirname "$2")";printf "%s" "$(paste -s -d " " "$0")" > "$2"'
    )
    return _shell(script, file, line, value)


@dsl.container_component
def meet(folder: str, number: int, limit: int, value: dsl.OutputPath(int)):
    """Waits until `limit` of its kind have started; fails if more run at the same time."""
    script = (
        'mkdir -p "$0/now" "$0/ever"; : > "$0/now/$1"; : > "$0/ever/$1"; tries=0;'
        'while [ $(ls "$0/ever" | wc -l) -lt $2 ]; do'
        "  tries=$((tries + 1)); [ $tries -lt 600 ] || { echo alone; exit 1; }; sleep 0.1; "
        'done; there=$(ls "$0/now" | wc -l); rm "$0/now/$1";'
        '[ $there -le $2 ] || { echo "$there at one time"; exit 1; };'
        'mkdir -p "$(dirname "$3")" && printf "%s" "$1" > "$3"'
    )
    return _shell(script, folder, number, limit, value)


@dsl.component(base_image="python:3.11")
def describe(status: dsl.PipelineTaskFinalStatus) -> str:
    """How a task ended, in one line."""
    return f"{status.pipeline_task_name} {status.state} {status.error_message or 'without error'}"


@dsl.component(base_image="python:3.11")
def read_all(data: Input[List[Dataset]]) -> str:
    """The texts of all artifacts, separated by spaces."""
    texts = []
    for one in data:
        with open(one.path) as file:
            texts.append(file.read())
    return " ".join(texts)
