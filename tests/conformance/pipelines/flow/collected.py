"""Collected outputs of loops."""

from typing import List

from kfp import dsl
from kfp.dsl import Dataset

from tests.conformance.pipelines._steps import (
    ShellCase,
    count,
    decide,
    join,
    quote,
    read_all,
    say,
    write,
)


@dsl.pipeline
def collected_parameters(items: List[int] = [3, 1, 2]) -> str:
    with dsl.ParallelFor(items) as item:
        made = count(number=item)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_returned() -> List[str]:
    with dsl.ParallelFor(["b", "a"]) as item:
        made = say(text=item)
    return dsl.Collected(made.outputs["value"])


@dsl.pipeline
def collected_bools() -> str:
    with dsl.ParallelFor([True, False]) as item:
        made = decide(choice=item)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_twice() -> str:
    with dsl.ParallelFor(["a", "b"]) as item:
        first = say(text=item)
        second = join(first=first.outputs["value"], second="x")
    one = quote(items=dsl.Collected(first.outputs["value"]))
    other = quote(items=dsl.Collected(second.outputs["value"]))
    return join(first=one.outputs["value"], second=other.outputs["value"]).outputs["value"]


@dsl.pipeline
def collected_nested() -> str:
    with dsl.ParallelFor([[1, 2], [], [3]]) as outer:
        with dsl.ParallelFor(outer) as inner:
            made = say(text=inner)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_nested_three() -> str:
    with dsl.ParallelFor(["a", "b"]) as first:
        with dsl.ParallelFor(["x"]) as second:
            between = join(first=first, second=second)
            with dsl.ParallelFor(["1", "2"]) as third:
                made = join(first=between.outputs["value"], second=third)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_inside_a_loop() -> str:
    with dsl.ParallelFor([["1", "2"], ["3"]]) as outer:
        with dsl.ParallelFor(outer) as inner:
            made = say(text=inner)
        row = quote(items=dsl.Collected(made.outputs["value"]))
    return quote(items=dsl.Collected(row.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_artifacts() -> str:
    with dsl.ParallelFor(["b", "a", "c"]) as item:
        made = write(text=item)
    return read_all(data=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def collected_artifacts_nested() -> str:
    with dsl.ParallelFor(["a", "b"]) as outer:
        with dsl.ParallelFor(["x", "y"]) as inner:
            text = join(first=outer, second=inner)
            made = write(text=text.outputs["value"])
    return read_all(data=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def collected_skips(limit: int = 2) -> str:
    with dsl.ParallelFor([1, 2, 3, 4]) as item:
        with dsl.If(item > limit):
            made = count(number=item)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_artifacts_skips() -> str:
    with dsl.ParallelFor(["a", "b", "c"]) as item:
        with dsl.If(item != "b"):
            made = write(text=item)
    return read_all(data=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def collected_all_skipped(limit: int = 9) -> str:
    with dsl.ParallelFor([1, 2]) as item:
        with dsl.If(item > limit):
            made = count(number=item)
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_oneof() -> str:
    with dsl.ParallelFor([1, 2, 3]) as item:
        with dsl.If(item == 2):
            two = say(text="two")
        with dsl.Else():
            other = say(text="other")
        chosen = say(text=dsl.OneOf(two.outputs["value"], other.outputs["value"]))
    return quote(items=dsl.Collected(chosen.outputs["value"])).outputs["value"]


@dsl.pipeline
def _words(prefix: str) -> List[str]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = join(first=prefix, second=item)
    return dsl.Collected(made.outputs["value"])


@dsl.pipeline
def _files(items: List[str]) -> List[Dataset]:
    with dsl.ParallelFor(items) as item:
        made = write(text=item)
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def collected_in_a_nested_pipeline() -> str:
    return quote(items=_words(prefix="p").output).outputs["value"]


@dsl.pipeline
def collected_artifacts_of_a_nested_pipeline() -> str:
    return read_all(data=_files(items=["x", "y"]).output).output


@dsl.pipeline
def collected_is_looped_over() -> str:
    with dsl.ParallelFor(_words(prefix="p").output) as word:
        made = join(first=word, second="again")
    return quote(items=dsl.Collected(made.outputs["value"])).outputs["value"]


@dsl.pipeline
def collected_of_a_nested_pipeline() -> str:
    with dsl.ParallelFor(["p", "q"]) as prefix:
        made = _words(prefix=prefix)
    return quote(items=dsl.Collected(made.output)).outputs["value"]


_LOOPS = "no: its backend flattens the outputs of nested loops"
_SKIPS = "no: its backend fails where an iteration has no output"

CASES = [
    ShellCase(
        "parameters, in the order of the items",
        collected_parameters,
        "yes",
        outputs={"Output": "[3,1,2]"},
    ),
    ShellCase(
        "the pipeline's own output", collected_returned, "yes", outputs={"Output": ["b", "a"]}
    ),
    ShellCase("bools", collected_bools, "yes", outputs={"Output": "[true,false]"}),
    ShellCase(
        "two steps of one loop",
        collected_twice,
        "yes",
        outputs={"Output": '["a","b"], ["a, x","b, x"]'},
    ),
    ShellCase(
        "a loop in a loop: a list of lists, with an empty one",
        collected_nested,
        _LOOPS,
        outputs={"Output": '[["1","2"],[],["3"]]'},
    ),
    ShellCase(
        "three loops in each other",
        collected_nested_three,
        _LOOPS,
        outputs={"Output": '[[["a, x, 1","a, x, 2"]],[["b, x, 1","b, x, 2"]]]'},
    ),
    ShellCase(
        "the inner loop within the outer one",
        collected_inside_a_loop,
        "yes",
        outputs={"Output": '["[\\"1\\",\\"2\\"]","[\\"3\\"]"]'},
    ),
    ShellCase(
        "artifacts, in the order of the items",
        collected_artifacts,
        "yes",
        outputs={"Output": "b a c"},
    ),
    ShellCase(
        "artifacts of a loop in a loop: one flat list",
        collected_artifacts_nested,
        "yes",
        outputs={"Output": "a, x a, y b, x b, y"},
    ),
    ShellCase(
        "iterations that skipped the step have no item in the list",
        collected_skips,
        _SKIPS,
        outputs={"Output": "[3,4]"},
    ),
    ShellCase(
        "the same with artifacts",
        collected_artifacts_skips,
        _SKIPS,
        outputs={"Output": "a c"},
    ),
    ShellCase(
        "all iterations skipped the step", collected_all_skipped, _SKIPS, outputs={"Output": "[]"}
    ),
    ShellCase(
        "the outputs of the branches that ran",
        collected_oneof,
        "yes",
        outputs={"Output": '["other","two","other"]'},
    ),
    ShellCase(
        "in a nested pipeline, and used outside",
        collected_in_a_nested_pipeline,
        "yes",
        outputs={"Output": '["p, a","p, b"]'},
    ),
    ShellCase(
        "artifacts in a nested pipeline, and used outside",
        collected_artifacts_of_a_nested_pipeline,
        "yes",
        outputs={"Output": "x y"},
    ),
    ShellCase(
        "a loop over the collected outputs of another pipeline",
        collected_is_looped_over,
        "yes",
        outputs={"Output": '["p, a, again","p, b, again"]'},
    ),
    ShellCase(
        "the collected outputs of a nested pipeline in each iteration",
        collected_of_a_nested_pipeline,
        _LOOPS,
        outputs={"Output": '[["p, a","p, b"],["q, a","q, b"]]'},
    ),
]
