"""Loops with loops, branches and pipelines in them."""

from typing import List

from kfp import dsl
from kfp.dsl import Dataset, Input

from tests.conformance.pipelines._steps import (
    ShellCase,
    count,
    enlist,
    join,
    note,
    quote,
    read,
    say,
    write,
)


@dsl.pipeline
def loop_in_loop():
    with dsl.ParallelFor(["a", "b"]) as outer:
        with dsl.ParallelFor(["x", "y"]) as inner:
            join(first=outer, second=inner)


@dsl.pipeline
def loop_over_lists():
    with dsl.ParallelFor([[1, 2], [3]]) as outer:
        with dsl.ParallelFor(outer) as inner:
            say(text=inner)


@dsl.pipeline
def loop_over_made_lists():
    with dsl.ParallelFor(["a", "b"]) as outer:
        made = enlist(items=[outer, "end"])
        with dsl.ParallelFor(made.outputs["value"]) as inner:
            say(text=inner)


@dsl.pipeline
def loop_in_branch(run: bool = True):
    with dsl.If(run == True):
        with dsl.ParallelFor(["a", "b"]) as item:
            say(text=item)
    with dsl.Else():
        with dsl.ParallelFor(["c"]) as item:
            say(text=item)


@dsl.pipeline
def branch_in_loop(limit: int = 2):
    with dsl.ParallelFor([1, 2, 3]) as item:
        made = count(number=item)
        with dsl.If(made.outputs["value"] > limit):
            above = say(text="above")
        with dsl.Else():
            below = say(text="not above")
        say(text=dsl.OneOf(above.outputs["value"], below.outputs["value"]))


@dsl.pipeline
def read_each(data: Input[List[Dataset]]) -> List[str]:
    with dsl.ParallelFor(data) as one:
        text = read(data=one)
    return dsl.Collected(text.outputs["text"])


@dsl.pipeline
def loop_over_artifacts() -> str:
    with dsl.ParallelFor(["a", "b", "c"]) as item:
        made = write(text=item)
    texts = read_each(data=dsl.Collected(made.outputs["data"]))
    return quote(items=texts.output).outputs["value"]


@dsl.pipeline
def _twice(text: str) -> str:
    first = say(text=text)
    return say(text=f"{text}{first.outputs['value']}").outputs["value"]


@dsl.pipeline
def loop_of_a_nested_pipeline() -> List[str]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = _twice(text=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def loop_over_part_of_an_item():
    with dsl.ParallelFor([{"k": "a", "l": ["1", "2"]}, {"k": "b", "l": ["3"]}]) as item:
        with dsl.ParallelFor(item.l) as inner:
            say(text=inner)


@dsl.pipeline
def loops_with_limits(file: str) -> str:
    with dsl.ParallelFor(["a", "b"], parallelism=1) as outer:
        with dsl.ParallelFor(["x", "y"], parallelism=1) as inner:
            word = join(first=outer, second=inner)
            made = note(file=file, line=word.outputs["value"])
    return note(file=file, line="end").after(made).outputs["value"]


@dsl.pipeline
def _read_with_each(data: Input[List[Dataset]], words: List[str]) -> List[List[str]]:
    with dsl.ParallelFor(data) as one:
        with dsl.ParallelFor(words) as word:
            text = join(first=read(data=one).outputs["text"], second=word)
    return dsl.Collected(text.outputs["value"])


@dsl.pipeline
def loop_in_a_loop_over_artifacts() -> List[List[str]]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = write(text=item)
    return _read_with_each(data=dsl.Collected(made.outputs["data"]), words=["x", "y"]).output


CASES = [
    ShellCase(
        "a loop in a loop",
        loop_in_loop,
        "yes",
        made={
            "for-loop-2/0/for-loop-4/1/join": {"value": "a, y"},
            "for-loop-2/1/for-loop-4/0/join": {"value": "b, x"},
        },
    ),
    ShellCase(
        "a loop over the item of another one",
        loop_over_lists,
        "yes",
        made={
            "for-loop-2/0/for-loop-3/1/say": {"value": "2"},
            "for-loop-2/1/for-loop-3/0/say": {"value": "3"},
        },
        tasks={"for-loop-2/1/for-loop-3/1": "ABSENT"},
    ),
    ShellCase(
        "a loop over an output of another loop's iteration",
        loop_over_made_lists,
        "yes",
        made={
            "for-loop-2/0/for-loop-3/0/say": {"value": "a"},
            "for-loop-2/1/for-loop-3/0/say": {"value": "b"},
            "for-loop-2/1/for-loop-3/1/say": {"value": "end"},
        },
    ),
    ShellCase(
        "a loop in a branch",
        loop_in_branch,
        "yes",
        tasks={
            "condition-branches-1/condition-4/for-loop-3/1/say": "SUCCEEDED",
            "condition-branches-1/condition-5": "SKIPPED",
            "condition-branches-1/condition-5/for-loop-6": "ABSENT",
        },
    ),
    ShellCase(
        "a branch in a loop, and its OneOf",
        branch_in_loop,
        "yes",
        made={
            "for-loop-2/1/say-3": {"value": "not above"},
            "for-loop-2/2/say-3": {"value": "above"},
        },
    ),
    ShellCase(
        "artifacts, collected from another loop",
        loop_over_artifacts,
        "no: its backend does not implement the artifact iterator",
        outputs={"Output": '["a","b","c"]'},
    ),
    ShellCase(
        "a nested pipeline",
        loop_of_a_nested_pipeline,
        "yes",
        outputs={"Output": ["aa", "bb"]},
        tasks={"for-loop-2/0/twice/say-2": "SUCCEEDED"},
    ),
    ShellCase(
        "a loop over a list within the item of another one",
        loop_over_part_of_an_item,
        "yes",
        made={
            "for-loop-2/0/for-loop-3/1/say": {"value": "2"},
            "for-loop-2/1/for-loop-3/0/say": {"value": "3"},
        },
    ),
    ShellCase(
        "limits on both loops",
        loops_with_limits,
        "yes",
        args={"file": "<a writable path>"},
        outputs={"Output": "a, x a, y b, x b, y end"},
    ),
    ShellCase(
        "a loop in a loop over artifacts",
        loop_in_a_loop_over_artifacts,
        "no: its backend does not implement the artifact iterator",
        outputs={"Output": [["a, x", "a, y"], ["b, x", "b, y"]]},
    ),
]
