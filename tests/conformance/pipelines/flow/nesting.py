"""Pipelines in pipelines."""

from typing import NamedTuple, Optional

from kfp import dsl
from kfp.dsl import Dataset, Input

from tests.conformance.cases import Case
from tests.conformance.pipelines._steps import (
    ShellCase,
    count,
    join,
    note,
    quote,
    quote_dict,
    read,
    say,
    shout,
    write,
)


@dsl.component(base_image="python:3.11")
def describe_word(word: Optional[str] = None) -> str:
    """The word, or a note that it is missing."""
    return "none was given" if word is None else f"given: {word}"


@dsl.component(base_image="python:3.11")
def describe_data(data: Optional[Input[Dataset]] = None) -> str:
    """The artifact's text, or a note that it is missing."""
    if data is None:
        return "no data"
    with open(data.path) as file:
        return file.read()


@dsl.pipeline
def _greet(name: str = "you", greeting: str = "hello") -> str:
    return join(first=greeting, second=name).outputs["value"]


@dsl.pipeline
def _greet_twice(name: str) -> str:
    first = _greet(name=name)
    second = _greet(name=first.output, greeting="again")
    return second.output


@dsl.pipeline
def _greet_loudly(name: str) -> str:
    return shout(text=_greet_twice(name=name).output).outputs["value"]


@dsl.pipeline
def three_levels(name: str = "ada") -> str:
    return _greet_loudly(name=name).output


@dsl.pipeline
def nested_defaults() -> str:
    return join(first=_greet().output, second=_greet(name="ada").output).outputs["value"]


@dsl.pipeline
def nested_used_twice(name: str = "ada") -> str:
    first = _greet(name=name, greeting="one")
    second = _greet(name=name, greeting="two")
    return join(first=first.output, second=second.output).outputs["value"]


@dsl.pipeline
def _all_defaults(
    text: str = "t",
    whole: int = 3,
    fraction: float = 0.5,
    flag: bool = False,
    items: list = [1, "b"],
    fields: dict = {"a": {"b": 2}},
) -> str:
    numbers = say(text=f"{text} {whole} {fraction} {flag}")
    rest = join(
        first=quote(items=items).outputs["value"],
        second=quote_dict(item=fields).outputs["value"],
    )
    return join(first=numbers.outputs["value"], second=rest.outputs["value"]).outputs["value"]


@dsl.pipeline
def nested_defaults_of_all_types() -> str:
    return _all_defaults().output


@dsl.pipeline
def nested_overrides_defaults(whole: int = 8) -> str:
    return _all_defaults(whole=whole, flag=True, items=[], fields={}).output


@dsl.pipeline
def _optional(word: Optional[str] = None) -> str:
    return describe_word(word=word).output


@dsl.pipeline
def optional_left_out() -> str:
    return join(first=_optional().output, second=_optional(word="w").output).outputs["value"]


@dsl.pipeline
def optional_at_the_root(word: Optional[str] = None) -> str:
    return _optional(word=word).output


@dsl.pipeline
def _optional_data(data: Optional[Input[Dataset]] = None) -> str:
    return describe_data(data=data).output


@dsl.pipeline
def optional_artifact() -> str:
    without = _optional_data()
    given = _optional_data(data=write(text="data").outputs["data"])
    return join(first=without.output, second=given.output).outputs["value"]


class _Made(NamedTuple):
    text: str
    number: int
    data: Dataset


@dsl.pipeline
def _make(text: str) -> _Made:
    return _Made(
        text=say(text=text).outputs["value"],
        number=count(number=7).outputs["value"],
        data=write(text=f"data of {text}").outputs["data"],
    )


@dsl.pipeline
def _make_deep(text: str) -> _Made:
    made = _make(text=text)
    return _Made(
        text=made.outputs["text"], number=made.outputs["number"], data=made.outputs["data"]
    )


@dsl.pipeline
def outputs_handed_up(text: str = "x") -> _Made:
    made = _make_deep(text=text)
    return _Made(
        text=read(data=made.outputs["data"]).outputs["text"],
        number=count(number=made.outputs["number"]).outputs["value"],
        data=made.outputs["data"],
    )


@dsl.pipeline
def _append(data: Input[Dataset], word: str) -> Dataset:
    text = join(first=read(data=data).outputs["text"], second=word)
    return write(text=text.outputs["value"]).outputs["data"]


@dsl.pipeline
def artifacts_in_and_out() -> str:
    first = _append(data=write(text="one").outputs["data"], word="two")
    second = _append(data=first.output, word="three")
    return read(data=second.output).outputs["text"]


@dsl.pipeline
def nested_in_a_branch(run: bool = True) -> str:
    with dsl.If(run == True):
        inside = _greet_twice(name="ada")
    with dsl.Else():
        other = say(text="not run")
    return dsl.OneOf(inside.output, other.outputs["value"])


@dsl.pipeline
def _log(file: str, line: str) -> str:
    return note(file=file, line=line).outputs["value"]


@dsl.pipeline
def nested_after_nested(file: str) -> str:
    last = _log(file=file, line="second")
    first = _log(file=file, line="first")
    last.after(first)
    return last.output


CASES = [
    ShellCase(
        "three levels",
        three_levels,
        "yes",
        outputs={"Output": "AGAIN, HELLO, ADA"},
        tasks={"greet-loudly/greet-twice/greet-2/join": "SUCCEEDED"},
    ),
    ShellCase(
        "defaults, where no argument is given",
        nested_defaults,
        "yes",
        outputs={"Output": "hello, you, hello, ada"},
    ),
    ShellCase(
        "one pipeline used twice",
        nested_used_twice,
        "yes",
        outputs={"Output": "one, ada, two, ada"},
        tasks={"greet/join": "SUCCEEDED", "greet-2/join": "SUCCEEDED"},
    ),
    ShellCase(
        "defaults of all types",
        nested_defaults_of_all_types,
        "yes",
        outputs={"Output": 't 3 0.5 false, [1,"b"], {"a":{"b":2}}'},
    ),
    ShellCase(
        "arguments instead of defaults",
        nested_overrides_defaults,
        "yes",
        outputs={"Output": "t 8 0.5 true, [], {}"},
    ),
    ShellCase(
        "an optional parameter with and without a value",
        optional_left_out,
        "yes",
        outputs={"Output": "none was given, given: w"},
    ),
    Case(
        "an optional parameter of the run without a value, two levels up",
        optional_at_the_root,
        "yes",
        outputs={"Output": "none was given"},
    ),
    ShellCase(
        "an optional artifact with and without a value",
        optional_artifact,
        "yes",
        outputs={"Output": "no data, data"},
    ),
    ShellCase(
        "parameters and artifacts returned over two levels",
        outputs_handed_up,
        "yes",
        outputs={"text": "data of x", "number": 7},
    ),
    ShellCase(
        "artifacts as inputs and outputs",
        artifacts_in_and_out,
        "yes",
        outputs={"Output": "one, two, three"},
    ),
    ShellCase(
        "in a branch, and its output in a OneOf",
        nested_in_a_branch,
        "yes",
        outputs={"Output": "again, hello, ada"},
    ),
    ShellCase(
        "order with `after` between pipelines",
        nested_after_nested,
        "yes",
        args={"file": "<a writable path>"},
        outputs={"Output": "first second"},
    ),
]
