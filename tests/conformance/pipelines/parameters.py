"""Parameters."""

from typing import Dict, List, NamedTuple, Optional

from kfp import dsl

from tests.conformance.cases import Case

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
def copy_all(
    whole: int,
    number: float,
    text: str,
    flag: bool,
    items: list,
    fields: dict,
    whole_out: dsl.OutputPath(int),
    number_out: dsl.OutputPath(float),
    text_out: dsl.OutputPath(str),
    flag_out: dsl.OutputPath(bool),
    items_out: dsl.OutputPath(list),
    fields_out: dsl.OutputPath(dict),
):
    """Writes each word of its arguments into the file after it."""
    script = (
        'while [ $# -gt 0 ]; do mkdir -p "$(dirname "$2")"; printf "%s" "$1" > "$2"; shift 2; done'
    )
    return dsl.ContainerSpec(
        "alpine",
        ["sh", "-c", script, "copy"],
        [whole, whole_out, number, number_out, text, text_out]
        + [flag, flag_out, items, items_out, fields, fields_out],
    )


@dsl.container_component
def copy(text: str, value: dsl.OutputPath(str)):
    """Gives back its text."""
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


@dsl.container_component
def written(text: str, value: dsl.OutputPath(int)):
    """Writes a text where a whole number is expected, and nothing for an empty text."""
    script = '[ -z "$0" ] || { mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"; }'
    return dsl.ContainerSpec("alpine", ["sh", "-c", script], [text, value])


@dsl.component
def describe(whole: int, number: float, text: str, flag: bool, items: list, fields: dict) -> str:
    """Its arguments as Python has them."""
    return repr([whole, number, text, flag, items, fields])


@dsl.component
def same(whole: int, number: float, text: str, flag: bool, items: list, fields: dict) -> NamedTuple(
    "Same", whole=int, number=float, text=str, flag=bool, items=list, fields=dict
):
    """Gives back its arguments."""
    from collections import namedtuple

    names = ["whole", "number", "text", "flag", "items", "fields"]
    return namedtuple("Same", names)(whole, number, text, flag, items, fields)


@dsl.component
def same_text(text: str) -> str:
    """Gives back its argument."""
    return text


@dsl.component
def with_defaults(
    whole: int = 3,
    number: float = 0.5,
    text: str = "default",
    flag: bool = True,
    items: list = [1, 2],
    fields: dict = {"a": 1},
) -> str:
    """Its arguments as Python has them."""
    return repr([whole, number, text, flag, items, fields])


@dsl.component
def with_optional(
    text: Optional[str] = None, number: Optional[int] = 5, items: Optional[list] = None
) -> str:
    """Its arguments as Python has them."""
    return repr([text, number, items])


@dsl.component
def to_files(
    number: int,
    doubled: dsl.OutputPath(int),
    words: dsl.OutputPath(list),
    word: dsl.OutputPath(str),
):
    """Writes its output parameters itself."""
    import json

    for path, text in (
        (doubled, str(number * 2)),
        (words, json.dumps(["a"] * number)),
        (word, "as it is\n"),
    ):
        with open(path, "w") as file:
            file.write(text)


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


@dsl.container_component
def spoken(
    whole: dsl.OutputPath(int),
    number: dsl.OutputPath(float),
    yes: dsl.OutputPath(bool),
    no: dsl.OutputPath(bool),
    items: dsl.OutputPath(list),
):
    """Values as programs write them: with blanks and line ends, ``True`` and ``False``."""
    script = (
        'mkdir -p "$(dirname "$0")"; echo 7 > "$0"; echo 1e3 > "$1";'
        ' echo True > "$2"; echo false > "$3"; echo \'[1, {"a": null}]\' > "$4"'
    )
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [whole, number, yes, no, items])


def thrice(number: int) -> int:
    """Three times the number."""
    return number * 3


@dsl.component(additional_funcs=[thrice])
def ninefold(number: int) -> int:
    """Nine times the number, by means of another function."""
    return thrice(thrice(number))


@dsl.component
def every_way(word: dsl.OutputPath(str), data: dsl.Output[dsl.Dataset]) -> NamedTuple(
    "Returned", number=int, items=List[int]
):
    """Outputs in files, as an artifact, and returned."""
    for path in (word, data.path):
        with open(path, "w") as file:
            file.write("written")
    return (1, [2])


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
def constants() -> NamedTuple("Out", python=str, container=dict):
    out = NamedTuple("Out", python=str, container=dict)
    python = describe(
        whole=-12,
        number=-0.125,
        text="",
        flag=False,
        items=[1, {"a": [2, "b"]}],
        fields={"n": {"m": 3}, "ü": 1},
    )
    container = copy_all(
        whole=0, number=1e21, text="", flag=True, items=[], fields={"n": {"m": [3, 4.5]}}
    )
    return out(python=python.output, container=container.outputs["fields_out"])


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
def defaults(whole: int = 1, text: str = "the pipeline's") -> NamedTuple("Out", none=str, some=str):
    out = NamedTuple("Out", none=str, some=str)
    none = with_defaults()
    some = with_defaults(whole=whole, text=text, flag=False, items=[])
    return out(none=none.output, some=some.output)


@dsl.pipeline
def optional_inputs(
    text: Optional[str] = None, number: Optional[int] = None, items: Optional[list] = None
) -> NamedTuple("Out", passed_on=str, left_out=str):
    out = NamedTuple("Out", passed_on=str, left_out=str)
    passed_on = with_optional(text=text, number=number, items=items)
    return out(passed_on=passed_on.output, left_out=with_optional().output)


@dsl.pipeline
def null_inputs(text: Optional[str] = "default", number: Optional[int] = None) -> str:
    return with_optional(text=text, number=number).output


@dsl.pipeline
def inner_optional(text: Optional[str] = None, number: Optional[int] = 8) -> str:
    return with_optional(text=text, number=number).output


@dsl.pipeline
def optional_inputs_of_a_nested_pipeline() -> str:
    return inner_optional().output


@dsl.pipeline
def output_files() -> NamedTuple("Out", doubled=int, words=list, word=str):
    out = NamedTuple("Out", doubled=int, words=list, word=str)
    made = to_files(number=3).outputs
    return out(doubled=made["doubled"], words=made["words"], word=made["word"])


@dsl.pipeline
def null_inside(items: list, fields: dict) -> NamedTuple("Out", python=str, items=list):
    out = NamedTuple("Out", python=str, items=list)
    given = {"whole": 0, "number": 0.5, "text": "", "flag": True, "items": items}
    python = describe(**given, fields=fields)
    return out(python=python.output, items=same(**given, fields=fields).outputs["items"])


@dsl.pipeline
def declared_types(words: List[str] = ["a"], counts: Dict[str, int] = {"b": 2}) -> List[str]:
    return typed(words=words, counts=counts, nested=[{"c": [1, 2]}]).output


@dsl.pipeline
def values_with_line_ends() -> NamedTuple(
    "Out", whole=int, number=float, yes=bool, no=bool, items=list
):
    out = NamedTuple("Out", whole=int, number=float, yes=bool, no=bool, items=list)
    made = spoken().outputs
    return out(**{name: made[name] for name in ("whole", "number", "yes", "no", "items")})


@dsl.pipeline
def functions_that_a_step_calls(number: int = 2) -> int:
    return ninefold(number=number).output


@dsl.pipeline
def outputs_in_every_way() -> NamedTuple("Out", word=str, number=int, items=List[int]):
    out = NamedTuple("Out", word=str, number=int, items=List[int])
    made = every_way().outputs
    return out(word=made["word"], number=made["number"], items=made["items"])


@dsl.pipeline
def too_long_a_word() -> int:
    return size(text=repeat(text="0123456789", times=20000).output).outputs["value"]


@dsl.pipeline
def value_of_another_type(text: str = "seven") -> int:
    return written(text=text).outputs["value"]


@dsl.pipeline
def output_not_written() -> int:
    return written(text="").outputs["value"]


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
        "a whole number is an int in Python, nested ones too",
        whole_numbers,
        "yes",
        outputs={"Output": "[4, 2.25, '4', True, [1, [2, 2.5]], {'a': 1}]"},
    ),
    Case(
        "whole numbers given as doubles are ints in Python",
        dsl.pipeline(whole_numbers.pipeline_func, name="whole-numbers-as-doubles"),
        "yes",
        args={"whole": 9.0, "items": [1.0, [2.0]], "fields": {"a": {"b": 3.0}}},
        outputs={"Output": "[9, 2.25, '4', True, [1, [2]], {'a': {'b': 3}}]"},
        local=False,
    ),
    Case(
        "constants of every type, empty ones too",
        constants,
        "yes",
        outputs={
            "python": "[-12, -0.125, '', False, [1, {'a': [2, 'b']}], {'n': {'m': 3}, 'ü': 1}]",
            "container": {"n": {"m": [3, 4.5]}},
        },
        made={
            "copy-all": {
                "whole_out": 0,
                "number_out": 1e21,
                "text_out": "",
                "flag_out": True,
                "items_out": [],
            }
        },
        local=False,
    ),
    Case(
        "texts with quotes, line ends, other scripts and what a shell would expand",
        hard_texts,
        "yes",
        args={"text": HARD_TEXT},
        outputs={"container": HARD_TEXT, "python": HARD_TEXT},
        local=False,
    ),
    Case(
        "a parameter of 1 MiB through Python steps, one of 100 kB as a word of a command",
        long_parameters,
        "no: 1 MiB is more than a process argument may have",
        outputs={"python": 1048576, "container": 100000},
        local=False,
    ),
    Case(
        "defaults of a component and of the pipeline",
        defaults,
        "yes",
        args={"whole": 2},
        outputs={
            "none": "[3, 0.5, 'default', True, [1, 2], {'a': 1}]",
            "some": "[2, 0.5, \"the pipeline's\", False, [], {'a': 1}]",
        },
    ),
    Case(
        "an optional input without a value is absent: the function's own default holds",
        optional_inputs,
        "yes",
        outputs={"passed_on": "[None, 5, None]", "left_out": "[None, 5, None]"},
    ),
    Case(
        "an input given as null is absent",
        null_inputs,
        "yes",
        args={"number": None},
        outputs={"Output": "['default', 5, None]"},
    ),
    Case(
        "optional inputs of a nested pipeline: null, and a default",
        optional_inputs_of_a_nested_pipeline,
        "yes",
        outputs={"Output": "[None, 8, None]"},
    ),
    Case(
        "output parameters that the function writes into files",
        output_files,
        "yes",
        outputs={"doubled": 6, "words": ["a", "a", "a"], "word": "as it is\n"},
    ),
    Case(
        "null inside lists and objects",
        null_inside,
        "yes",
        args={"items": [None, [None]], "fields": {"a": None}},
        outputs={
            "python": "[0, 0.5, '', True, [None, [None]], {'a': None}]",
            "items": [None, [None]],
        },
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
        "values in files with blanks and line ends, as programs write them",
        values_with_line_ends,
        "yes",
        outputs={"whole": 7, "number": 1000, "yes": True, "no": False, "items": [1, {"a": None}]},
        local=False,
    ),
    Case(
        "an output of another type fails its task, with words",
        value_of_another_type,
        "yes",
        state="FAILED",
        tasks={"written": "FAILED"},
        error="output parameter 'value': 'seven'",
        local=False,
    ),
    Case(
        "an output parameter that nobody wrote fails its task, with words",
        output_not_written,
        "yes",
        state="FAILED",
        tasks={"written": "FAILED"},
        error="output parameter 'value'",
        local=False,
    ),
    Case(
        "a step that calls further functions",
        functions_that_a_step_calls,
        "yes",
        outputs={"Output": 18},
    ),
    Case(
        "outputs in files, as an artifact and returned, of one step",
        outputs_in_every_way,
        "yes",
        outputs={"word": "written", "number": 1, "items": [2]},
    ),
    Case(
        "a word that is too long for a command fails its task, with the input's name",
        too_long_a_word,
        "partly: without the input's name",
        state="FAILED",
        tasks={"size": "FAILED"},
        error="'text' with 200000 bytes",
        local=False,
    ),
]
