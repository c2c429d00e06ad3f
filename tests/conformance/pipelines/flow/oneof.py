"""OneOf: the output of the branch that ran."""

from typing import List

from kfp import dsl
from kfp.dsl import Dataset

from tests.conformance.pipelines._steps import ShellCase, quote, read, say, shout, write


@dsl.pipeline
def oneof_parameter_consumed(number: int = 2) -> str:
    with dsl.If(number == 1):
        one = say(text="one")
    with dsl.Else():
        other = say(text="other")
    chosen = dsl.OneOf(one.outputs["value"], other.outputs["value"])
    return say(text=chosen).outputs["value"]


@dsl.pipeline
def oneof_artifact_consumed(number: int = 1) -> str:
    with dsl.If(number == 1):
        one = write(text="one")
    with dsl.Else():
        other = write(text="other")
    chosen = dsl.OneOf(one.outputs["data"], other.outputs["data"])
    return read(data=chosen).outputs["text"]


@dsl.pipeline
def _choose_text(number: int) -> str:
    with dsl.If(number == 1):
        one = say(text="one")
    with dsl.Else():
        other = say(text="other")
    return dsl.OneOf(one.outputs["value"], other.outputs["value"])


@dsl.pipeline
def _choose_data(number: int) -> Dataset:
    with dsl.If(number == 1):
        one = write(text="one")
    with dsl.Else():
        other = write(text="other")
    return dsl.OneOf(one.outputs["data"], other.outputs["data"])


@dsl.pipeline
def oneof_handed_up(number: int = 1) -> str:
    text = _choose_text(number=number)
    data = _choose_data(number=2)
    return say(text=f"{text.output} {read(data=data.output).outputs['text']}").outputs["value"]


@dsl.pipeline
def oneof_in_a_branch(number: int = 2) -> str:
    with dsl.If(number < 5):
        with dsl.If(number == 1):
            one = say(text="one")
        with dsl.Else():
            few = say(text="few")
        some = shout(text=dsl.OneOf(one.outputs["value"], few.outputs["value"]))
    with dsl.Else():
        many = say(text="many")
    return dsl.OneOf(some.outputs["value"], many.outputs["value"])


@dsl.pipeline
def oneof_of_collected(number: int = 1) -> str:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = say(text=item)
    with dsl.If(number == 1):
        all_of_them = quote(items=dsl.Collected(made.outputs["value"]))
    with dsl.Else():
        none = say(text="none")
    return dsl.OneOf(all_of_them.outputs["value"], none.outputs["value"])


@dsl.pipeline
def oneof_in_each_iteration() -> List[str]:
    with dsl.ParallelFor([1, 2]) as number:
        chosen = _choose_text(number=number)
    return dsl.Collected(chosen.output)


CASES = [
    ShellCase(
        "a task takes the parameter of the branch that ran",
        oneof_parameter_consumed,
        "yes",
        args={"number": 1},
        outputs={"Output": "one"},
    ),
    ShellCase(
        "a task takes the artifact of the branch that ran",
        oneof_artifact_consumed,
        "yes",
        args={"number": 3},
        outputs={"Output": "other"},
    ),
    ShellCase(
        "nested pipelines return a OneOf of parameters and one of artifacts",
        oneof_handed_up,
        "yes",
        outputs={"Output": "one other"},
    ),
    ShellCase(
        "in a branch, of the branches within",
        oneof_in_a_branch,
        "yes",
        outputs={"Output": "FEW"},
    ),
    ShellCase(
        "of a loop's collected outputs in a branch",
        oneof_of_collected,
        "yes",
        outputs={"Output": '["a","b"]'},
    ),
    ShellCase(
        "returned by a nested pipeline in each iteration of a loop",
        oneof_in_each_iteration,
        "yes",
        outputs={"Output": ["one", "other"]},
    ),
]
