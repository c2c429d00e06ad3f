"""Parameters."""

from typing import Dict, List, NamedTuple

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._parameters import copy_all, describe, same

KINDS = {
    "whole": 7,
    "number": 2.5,
    "text": "two words",
    "flag": False,
    "items": [1, "two", [3.5]],
    "fields": {"a": {"b": [True]}},
}


HARD_TEXT = "Grüße, 世界 🚰 \"double\" 'single' back\\slash $HOME `id` %s {braces}\nsecond\tline\n"


@dsl.container_component
def copy(text: str, value: dsl.OutputPath(str)):
    """Returns its text."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-c", 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"'], [text, value]
    )


@dsl.container_component
def size(text: str, value: dsl.OutputPath(int)):
    """The length of its argument."""
    return dsl.ContainerSpec(
        "alpine",
        ["sh", "-c", 'mkdir -p "$(dirname "$1")"; printf "%s" "${#0}" > "$1"'],
        [text, value],
    )


@dsl.component
def same_text(text: str) -> str:
    """Returns its argument."""
    return text


@dsl.component
def repeat(text: str, times: int) -> str:
    """The text, many times."""
    return text * times


@dsl.component
def length(text: str) -> int:
    """The number of characters."""
    return len(text)


@dsl.component
def typed(
    words: List[str], counts: Dict[str, int], nested: List[Dict[str, List[int]]]
) -> List[str]:
    """Lists and objects of declared types."""
    return [*words, *(f"{name}={n}" for name, n in counts.items()), repr(nested)]


def thrice(number: int) -> int:
    """Three times the number."""
    return number * 3


@dsl.component(additional_funcs=[thrice])
def ninefold(number: int) -> int:
    """Nine times the number, by means of another function."""
    return thrice(thrice(number))


AllOut = NamedTuple(
    "AllOut",
    [("whole", int), ("number", float), ("text", str)]
    + [("flag", bool), ("items", list), ("fields", dict)],
)


@dsl.pipeline
def all_types_through_a_container(
    whole: int, number: float, text: str, flag: bool, items: list, fields: dict
) -> AllOut:
    made = copy_all(
        whole=whole, number=number, text=text, flag=flag, items=items, fields=fields
    ).outputs
    return AllOut(**{name: made[f"{name}_out"] for name in KINDS})


@dsl.pipeline
def all_types_through_python(
    whole: int, number: float, text: str, flag: bool, items: list, fields: dict
) -> AllOut:
    first = same(whole=whole, number=number, text=text, flag=flag, items=items, fields=fields)
    made = same(**{name: first.outputs[name] for name in KINDS}).outputs
    return AllOut(**{name: made[name] for name in KINDS})


@dsl.pipeline
def whole_numbers(whole: int = 4, items: list = [1, [2, 2.5]], fields: dict = {"a": 1}) -> str:
    return describe(
        whole=whole, number=2.25, text="4", flag=True, items=items, fields=fields
    ).output


@dsl.pipeline
def hard_texts(text: str) -> NamedTuple("Out", container=str, python=str):
    out = NamedTuple("Out", container=str, python=str)
    return out(
        container=copy(text=copy(text=text).outputs["value"]).outputs["value"],
        python=same_text(text=same_text(text=text).output).output,
    )


@dsl.pipeline
def long_parameters() -> NamedTuple("Out", python=int, container=int):
    out = NamedTuple("Out", python=int, container=int)
    long = repeat(text="ä234567\n", times=131072)
    word = repeat(text="0123456789", times=10000)
    return out(
        python=length(text=same_text(text=long.output).output).output,
        container=size(text=word.output).outputs["value"],
    )


@dsl.pipeline
def declared_types(words: List[str] = ["a"], counts: Dict[str, int] = {"b": 2}) -> List[str]:
    return typed(words=words, counts=counts, nested=[{"c": [1, 2]}]).output


@dsl.pipeline
def functions_that_a_step_calls(number: int = 2) -> int:
    return ninefold(number=number).output


@dsl.pipeline
def too_long_a_word() -> int:
    return size(text=repeat(text="0123456789", times=20000).output).outputs["value"]


CASES = [
    Case(
        "every type, through a container's command line and files",
        all_types_through_a_container,
        "yes",
        args=KINDS,
        outputs=KINDS,
        local=False,
    ),
    Case(
        "every type, through two Python steps",
        all_types_through_python,
        "yes",
        args=KINDS,
        outputs=KINDS,
    ),
    Case(
        "an integer is an int in Python, also nested",
        whole_numbers,
        "yes",
        outputs={"Output": "[4, 2.25, '4', True, [1, [2, 2.5]], {'a': 1}]"},
    ),
    Case(
        "integers given as doubles are ints in Python",
        dsl.pipeline(whole_numbers.pipeline_func, name="whole-numbers-as-doubles"),
        "yes",
        args={"whole": 9.0, "items": [1.0, [2.0]], "fields": {"a": {"b": 3.0}}},
        outputs={"Output": "[9, 2.25, '4', True, [1, [2]], {'a': {'b': 3}}]"},
        local=False,
    ),
    Case(
        "strings with quotes, line breaks, other scripts and shell expansions",
        hard_texts,
        "yes",
        args={"text": HARD_TEXT},
        outputs={"container": HARD_TEXT, "python": HARD_TEXT},
        local=False,
    ),
    Case(
        "a parameter of 1 MiB through Python steps, one of 100 kB as an argument of a command",
        long_parameters,
        "no: 1 MiB exceeds the limit of a process argument",
        outputs={"python": 1048576, "container": 100000},
        local=False,
    ),
    Case(
        "lists and objects of declared types",
        declared_types,
        "yes",
        args={"words": ["x", "y"]},
        outputs={"Output": ["x", "y", "b=2", "[{'c': [1, 2]}]"]},
    ),
    Case(
        "a step that calls further functions",
        functions_that_a_step_calls,
        "yes",
        outputs={"Output": 18},
    ),
    Case(
        "an argument that is too long fails its task with an error that names the input",
        too_long_a_word,
        "partly: without the input's name",
        state="FAILED",
        tasks={"size": "FAILED"},
        error="'text' with 200000 bytes",
        local=False,
    ),
]
