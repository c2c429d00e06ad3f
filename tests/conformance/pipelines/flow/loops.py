"""Loops."""

from typing import Dict, List

from kfp import dsl

from tests.conformance.pipelines._steps import (
    ShellCase,
    count,
    enlist,
    measure,
    meet,
    note,
    quote,
    quote_dict,
    read,
    say,
    write,
)


@dsl.pipeline
def loop_over_constants():
    with dsl.ParallelFor(["a", "it's b", '"c"']) as item:
        say(text=item)


@dsl.pipeline
def loop_over_numbers():
    with dsl.ParallelFor([1, 2]) as whole:
        count(number=whole)
    with dsl.ParallelFor([0.5, 2.5]) as fraction:
        measure(number=fraction)


@dsl.pipeline
def loop_over_dicts():
    with dsl.ParallelFor([{"a": "one", "b": 1}, {"a": "two", "b": [2, {"c": 3}]}]) as item:
        say(text=item.a)
        say(text=item.b)


@dsl.pipeline
def loop_over_whole_dicts():
    with dsl.ParallelFor([{"a": 1, "b": {"c": [1.5]}}, {"a": 2, "b": {}}]) as item:
        quote_dict(item=item)


@dsl.pipeline
def loop_over_parameter(items: list = ["x", "y"]):
    with dsl.ParallelFor(items) as item:
        say(text=item)


@dsl.pipeline
def loop_over_typed_parameter(items: List[int]):
    with dsl.ParallelFor(items) as item:
        count(number=item)


@dsl.pipeline
def loop_over_dicts_of_parameter(items: List[dict]):
    with dsl.ParallelFor(items) as item:
        say(text=item.word)


@dsl.pipeline
def loop_over_output(items: list = [True, 2, "three", 4.5]):
    made = enlist(items=items)
    with dsl.ParallelFor(made.outputs["value"]) as item:
        say(text=item)


@dsl.pipeline
def loop_one_at_a_time(file: str) -> str:
    with dsl.ParallelFor(["c", "a", "b"], parallelism=1) as item:
        first = note(file=file, line=item)
        second = note(file=file, line="then").after(first)
    return note(file=file, line="end").after(second).outputs["value"]


@dsl.pipeline
def loop_two_at_a_time(folder: str) -> List[int]:
    with dsl.ParallelFor([0, 1, 2, 3, 4], parallelism=2) as item:
        met = meet(folder=folder, number=item, limit=2)
    return dsl.Collected(met.outputs["value"])


@dsl.pipeline
def empty_loop(items: list) -> str:
    with dsl.ParallelFor(items) as item:
        made = say(text=item)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def empty_loop_of_output(items: list = []) -> str:
    made = enlist(items=items)
    with dsl.ParallelFor(made.outputs["value"]) as item:
        inside = say(text=item)
    return say(text="after").after(inside).outputs["value"]


@dsl.pipeline
def order_inside_a_loop(file: str) -> str:
    with dsl.ParallelFor(["1"]) as item:
        last = note(file=file, line="3")
        second = note(file=file, line="2")
        first = note(file=file, line=item)
        second.after(first)
        last.after(second)
    return note(file=file, line="4").after(last).outputs["value"]


@dsl.pipeline
def loop_uses_outside(word: str = "word"):
    outside = write(text=word)
    number = count(number=7)
    with dsl.ParallelFor(["a", "b"]) as item:
        text = read(data=outside.outputs["data"])
        say(text=f"{item} {text.outputs['text']} {number.outputs['value']}")


@dsl.component(base_image="python:3.11")
def rows() -> List[Dict[str, str]]:
    """A list of dicts."""
    return [{"word": "x"}, {"word": "y"}]


@dsl.pipeline
def loop_over_dicts_of_output() -> List[str]:
    with dsl.ParallelFor(rows().output) as row:
        made = say(text=row.word)
    return dsl.Collected(made.outputs["value"])


CASES = [
    ShellCase(
        "a constant list",
        loop_over_constants,
        "yes",
        tasks={"for-loop-2/3": "ABSENT"},
        made={
            "for-loop-2/0/say": {"value": "a"},
            "for-loop-2/1/say": {"value": "it's b"},
            "for-loop-2/2/say": {"value": '"c"'},
        },
        logs={"for-loop-2/1/say": "said: it's b"},
    ),
    ShellCase(
        "integers and fractions",
        loop_over_numbers,
        "yes",
        made={
            "for-loop-2/1/count": {"value": 2},
            "for-loop-4/0/measure": {"value": 0.5},
            "for-loop-4/1/measure": {"value": 2.5},
        },
    ),
    ShellCase(
        "fields of dicts (item.a), of any type",
        loop_over_dicts,
        "yes",
        made={
            "for-loop-2/0/say": {"value": "one"},
            "for-loop-2/0/say-2": {"value": "1"},
            "for-loop-2/1/say": {"value": "two"},
            "for-loop-2/1/say-2": {"value": '[2,{"c":3}]'},
        },
    ),
    ShellCase(
        "whole dicts",
        loop_over_whole_dicts,
        "yes",
        made={
            "for-loop-2/0/quote-dict": {"value": '{"a":1,"b":{"c":[1.5]}}'},
            "for-loop-2/1/quote-dict": {"value": '{"a":2,"b":{}}'},
        },
    ),
    ShellCase(
        "a parameter",
        loop_over_parameter,
        "yes",
        args={"items": ["p", "q", "r"]},
        made={"for-loop-1/0/say": {"value": "p"}, "for-loop-1/2/say": {"value": "r"}},
    ),
    ShellCase(
        "a parameter of type List[int]",
        loop_over_typed_parameter,
        "yes",
        args={"items": [5, 6]},
        made={"for-loop-1/0/count": {"value": 5}, "for-loop-1/1/count": {"value": 6}},
    ),
    ShellCase(
        "fields of the dicts of a parameter",
        loop_over_dicts_of_parameter,
        "yes",
        args={"items": [{"word": "x"}, {"word": "y", "more": 1}]},
        made={"for-loop-1/0/say": {"value": "x"}, "for-loop-1/1/say": {"value": "y"}},
    ),
    ShellCase(
        "the output list of a task",
        loop_over_output,
        "yes",
        made={
            "for-loop-1/0/say": {"value": "true"},
            "for-loop-1/1/say": {"value": "2"},
            "for-loop-1/2/say": {"value": "three"},
            "for-loop-1/3/say": {"value": "4.5"},
        },
    ),
    ShellCase(
        "one iteration at a time, in the order of the items",
        loop_one_at_a_time,
        "yes",
        args={"file": "<a writable path>"},
        outputs={"Output": "c then a then b then end"},
    ),
    ShellCase(
        "two iterations at a time, never more",
        loop_two_at_a_time,
        "yes",
        args={"folder": "<a writable path>"},
        outputs={"Output": [0, 1, 2, 3, 4]},
    ),
    ShellCase(
        "an empty list: no iterations, and an empty collection",
        empty_loop,
        "yes",
        args={"items": []},
        outputs={"Output": "[]"},
        tasks={"for-loop-1": "SUCCEEDED", "for-loop-1/0": "ABSENT"},
    ),
    ShellCase(
        "an empty output list, and a task after the loop",
        empty_loop_of_output,
        "yes",
        outputs={"Output": "after"},
        tasks={"for-loop-1": "SUCCEEDED", "for-loop-1/0": "ABSENT"},
    ),
    ShellCase(
        "order with `after` within a loop",
        order_inside_a_loop,
        "yes",
        args={"file": "<a writable path>"},
        outputs={"Output": "1 2 3 4"},
    ),
    ShellCase(
        "parameters and artifacts from outside the loop",
        loop_uses_outside,
        "yes",
        made={
            "for-loop-2/0/say": {"value": "a word 7"},
            "for-loop-2/1/say": {"value": "b word 7"},
        },
    ),
    ShellCase(
        "fields of dicts in a task's output",
        loop_over_dicts_of_output,
        "yes",
        outputs={"Output": ["x", "y"]},
    ),
]
