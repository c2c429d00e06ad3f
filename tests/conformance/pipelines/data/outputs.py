"""Output parameters."""

from typing import List, NamedTuple

from kfp import dsl

from tests.conformance.cases import Case


@dsl.container_component
def written(text: str, value: dsl.OutputPath(int)):
    """Writes a text where a whole number is expected, and nothing for an empty string."""
    script = '[ -z "$0" ] || { mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"; }'
    return dsl.ContainerSpec("alpine", ["sh", "-c", script], [text, value])


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


@dsl.container_component
def spoken(
    whole: dsl.OutputPath(int),
    number: dsl.OutputPath(float),
    yes: dsl.OutputPath(bool),
    no: dsl.OutputPath(bool),
    items: dsl.OutputPath(list),
):
    """Values as programs write them: with spaces and newlines, ``True`` and ``False``."""
    script = (
        'mkdir -p "$(dirname "$0")"; echo 7 > "$0"; echo 1e3 > "$1";'
        ' echo True > "$2"; echo false > "$3"; echo \'[1, {"a": null}]\' > "$4"'
    )
    return dsl.ContainerSpec("alpine", ["sh", "-ec", script], [whole, number, yes, no, items])


@dsl.component
def every_way(word: dsl.OutputPath(str), data: dsl.Output[dsl.Dataset]) -> NamedTuple(
    "Returned", number=int, items=List[int]
):
    """Outputs in files, as an artifact, and returned."""
    for path in (word, data.path):
        with open(path, "w") as file:
            file.write("written")
    return (1, [2])


@dsl.pipeline
def output_files() -> NamedTuple("Out", doubled=int, words=list, word=str):
    out = NamedTuple("Out", doubled=int, words=list, word=str)
    made = to_files(number=3).outputs
    return out(doubled=made["doubled"], words=made["words"], word=made["word"])


@dsl.pipeline
def values_with_line_ends() -> NamedTuple(
    "Out", whole=int, number=float, yes=bool, no=bool, items=list
):
    out = NamedTuple("Out", whole=int, number=float, yes=bool, no=bool, items=list)
    made = spoken().outputs
    return out(**{name: made[name] for name in ("whole", "number", "yes", "no", "items")})


@dsl.pipeline
def outputs_in_every_way() -> NamedTuple("Out", word=str, number=int, items=List[int]):
    out = NamedTuple("Out", word=str, number=int, items=List[int])
    made = every_way().outputs
    return out(word=made["word"], number=made["number"], items=made["items"])


@dsl.pipeline
def value_of_another_type(text: str = "seven") -> int:
    return written(text=text).outputs["value"]


@dsl.pipeline
def output_not_written() -> int:
    return written(text="").outputs["value"]


CASES = [
    Case(
        "output parameters that the function writes into files",
        output_files,
        "yes",
        outputs={"doubled": 6, "words": ["a", "a", "a"], "word": "as it is\n"},
    ),
    Case(
        "values in files, with spaces and line breaks",
        values_with_line_ends,
        "yes",
        outputs={"whole": 7, "number": 1000, "yes": True, "no": False, "items": [1, {"a": None}]},
        local=False,
    ),
    Case(
        "an output of another type fails its task with an error message",
        value_of_another_type,
        "yes",
        state="FAILED",
        tasks={"written": "FAILED"},
        error="output parameter 'value': 'seven'",
        local=False,
    ),
    Case(
        "a missing output parameter fails its task with an error message",
        output_not_written,
        "yes",
        state="FAILED",
        tasks={"written": "FAILED"},
        error="output parameter 'value'",
        local=False,
    ),
    Case(
        "outputs in files, as an artifact and returned, of one step",
        outputs_in_every_way,
        "yes",
        outputs={"word": "written", "number": 1, "items": [2]},
    ),
]
