"""Loops, and `dsl.Collected` over their outputs."""

from typing import Dict, List

from kfp import dsl
from kfp.dsl import Dataset, Input, Model

from tests.differential.pipelines.flow._steps import (
    count,
    join,
    make,
    mappings,
    read,
    read_all,
    say,
    texts,
    total,
)


@dsl.pipeline
def loops_over_constants():
    with dsl.ParallelFor(["a", "b"], name="letters") as item:
        say(text=item)
    with dsl.ParallelFor([1, 2], parallelism=2) as item:
        count(number=item)
    with dsl.ParallelFor([0.5, 1.0], parallelism=0) as item:
        say(text=f"{item}")
    with dsl.ParallelFor([{"a": 1, "b": 2}, {"a": 3, "b": 4}]) as item:
        count(number=item.a)
        count(number=item.b)
    with dsl.ParallelFor(({"b": "x"}, {"b": "y"})) as item:
        say(text=item.b)
    with dsl.ParallelFor([True, False]):
        say()


@dsl.pipeline
def loops_over_inputs(
    words: List[str], numbers: List[int], things: list, dicts: List[Dict[str, str]]
):
    with dsl.ParallelFor(words) as item:
        say(text=item)
    with dsl.ParallelFor(items=numbers, parallelism=1) as item:
        count(number=item)
    with dsl.ParallelFor(things) as item:
        say(text=item)
        say(text=item.part)
    with dsl.ParallelFor(dicts) as item:
        say(text=item.a)


@dsl.pipeline
def loops_over_outputs():
    words = texts()
    with dsl.ParallelFor(words.output) as item:
        say(text=item)
        say(text=words.output[0] if False else "constant")
    dicts = mappings()
    with dsl.ParallelFor(dicts.output) as item:
        count(number=item.a)
    with dsl.ParallelFor(words.output):
        say()


@dsl.pipeline
def loops_over_artifacts(models: Input[List[Model]], data: Input[List[Dataset]]):
    with dsl.ParallelFor(data) as item:
        read(data=item)
        with dsl.If(say().output == "a"):
            read(data=item)


@dsl.pipeline
def loops_in_loops(outer: List[str], inner: List[int]):
    with dsl.ParallelFor(outer) as one:
        say(text=one)
        with dsl.ParallelFor(inner) as other:
            count(number=other)
            say(text=one)
            with dsl.ParallelFor([1, 2]) as third:
                count(number=third)
                count(number=other)
    with dsl.ParallelFor(["a", "b"]) as one:
        with dsl.ParallelFor(["c", "d"]) as other:
            say(text=one)
            say(text=other)


@dsl.pipeline
def loops_over_parts_of_items(things: list):
    with dsl.ParallelFor(things) as item:
        with dsl.ParallelFor(item.parts) as part:
            say(text=part)
            say(text=part.name)


@dsl.pipeline
def conditions_in_loops(words: List[str], wanted: str = "a"):
    with dsl.ParallelFor(words) as item:
        with dsl.If(item == wanted):
            say(text=item)
        with dsl.Else():
            say(text=wanted)
    with dsl.ParallelFor([{"a": 1}, {"a": 2}]) as item:
        with dsl.If(item.a == 1):
            say()
    with dsl.ParallelFor([1, 2]) as number:
        made = count(number=number)
        with dsl.If(made.output == number):
            count(number=made.output)


@dsl.pipeline
def loops_in_conditions(words: List[str], wanted: str = "a"):
    made = texts()
    with dsl.If(wanted == "a"):
        with dsl.ParallelFor(words) as item:
            say(text=item)
            say(text=wanted)
        with dsl.ParallelFor(made.output) as item:
            say(text=item)
        with dsl.ParallelFor([1, 2]) as item:
            count(number=item)


@dsl.pipeline
def collected_parameters() -> List[int]:
    with dsl.ParallelFor([1, 2, 3]) as item:
        made = count(number=item)
        words = say(text="a")
    total(numbers=dsl.Collected(made.output))
    join(texts=dsl.Collected(words.output))
    return dsl.Collected(made.output)


@dsl.pipeline
def collected_artifacts() -> List[Dataset]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = make(text=item)
    read_all(data=dsl.Collected(made.outputs["data"]))
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def collected_from_loops_in_loops() -> list:
    with dsl.ParallelFor([1, 2]):
        with dsl.ParallelFor([3, 4]) as other:
            made = count(number=other)
        inner = total(numbers=dsl.Collected(made.output))
    join(texts=dsl.Collected(made.output))
    total(numbers=dsl.Collected(inner.output))
    return dsl.Collected(made.output)


@dsl.pipeline
def collected_in_a_condition(text: str = "a"):
    with dsl.If(text == "a"):
        with dsl.ParallelFor([1, 2]) as item:
            made = count(number=item)
        total(numbers=dsl.Collected(made.output))


@dsl.pipeline
def collected_by_a_group(text: str = "a"):
    with dsl.ParallelFor([1, 2]) as item:
        made = count(number=item)
    with dsl.If(text == "a"):
        total(numbers=dsl.Collected(made.output))
    with dsl.ParallelFor(["a", "b"]):
        total(numbers=dsl.Collected(made.output))


@dsl.pipeline
def collected_from_a_condition(text: str = "a"):
    with dsl.ParallelFor([1, 2]) as item:
        with dsl.If(text == "a"):
            made = count(number=item)
    total(numbers=dsl.Collected(made.output))
