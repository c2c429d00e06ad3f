"""Branches, and `dsl.OneOf` over their outputs."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset

from tests.differential.pipelines.flow._steps import count, judge, make, measure, read, say, two


@dsl.pipeline
def every_comparison(text: str = "a", number: int = 1, real: float = 0.5, flag: bool = True):
    with dsl.If(text == "a"):
        say()
    with dsl.If(text != "b", name="named"):
        say()
    with dsl.If(number < 3):
        say()
    with dsl.If(number <= 3):
        say()
    with dsl.If(number > 3.5):
        say()
    with dsl.If(real >= 1):
        say()
    with dsl.If(flag == True):
        say()
    with dsl.If(flag == False):
        say()
    with dsl.If(1 == number):
        say()
    with dsl.If(number == real):
        say()
    with dsl.If(text == True):
        say()
    with dsl.If(number == "1"):
        say()
    with dsl.Condition(text == ""):
        say()


@dsl.pipeline
def a_comparison_that_kfp_writes_wrongly(text: str = "a", number: int = 1):
    with dsl.If(text == number):
        say()


@dsl.pipeline
def comparisons_of_outputs():
    made = two()
    with dsl.If(made.outputs["text"] == "a"):
        say(text=made.outputs["text"])
    with dsl.If(made.outputs["number"] == made.outputs["number"]):
        count(number=made.outputs["number"])
    with dsl.If(judge().output == True):
        say()
    with dsl.If(measure().output > 0.25):
        say()


@dsl.pipeline
def branches(text: str = "a", number: int = 1):
    with dsl.If(text == "a", name="first"):
        say(text="1")
    with dsl.Elif(text == "b", name="second"):
        say(text="2")
    with dsl.Elif(number == 3):
        say(text="3")
    with dsl.Else(name="last"):
        say(text=f"4 {text}")
    say(text="after")


@dsl.pipeline
def branches_in_branches(text: str = "a"):
    made = say(text=text)
    with dsl.If(made.output == "a"):
        inner = say(text=made.output)
        with dsl.If(inner.output == "b"):
            say(text="1")
        with dsl.Else():
            say(text=text)
    with dsl.Elif(made.output == "c"):
        with dsl.If(text == "d"):
            say(text=made.output)
        with dsl.Elif(text == "e"):
            say()
        with dsl.Else():
            say()
    with dsl.Else():
        say()


@dsl.pipeline
def elif_without_else(text: str = "a"):
    with dsl.If(text == "a"):
        say()
    with dsl.Elif(text == "b"):
        say()
    say(text="after")


@dsl.pipeline
def condition_with_branches(text: str = "a"):
    with dsl.Condition(text == "a", name="old"):
        say()
    with dsl.Else():
        say()


@dsl.pipeline
def nested_conditions(text: str = "a", number: int = 1):
    with dsl.If(text == "a"):
        with dsl.If(number == 1):
            with dsl.If(text == "b"):
                say(text=f"{text} {number}")


@dsl.pipeline
def one_of_parameters(text: str = "a") -> str:
    with dsl.If(text == "a"):
        first = say(text="1")
    with dsl.Elif(text == "b"):
        second = say(text="2")
    with dsl.Else():
        third = two()
    chosen = dsl.OneOf(first.output, second.output, third.outputs["text"])
    say(text=chosen)
    say(text=chosen)
    return chosen


@dsl.pipeline
def one_of_artifacts(text: str = "a") -> Dataset:
    with dsl.If(text == "a"):
        first = make(text="1")
    with dsl.Else():
        second = make(text="2")
    chosen = dsl.OneOf(first.outputs["data"], second.outputs["data"])
    read(data=chosen)
    return chosen


@dsl.pipeline
def several_ones(text: str = "a") -> NamedTuple("Outputs", [("word", str), ("number", int)]):
    with dsl.If(text == "a"):
        first = two()
    with dsl.Else():
        second = two()
    outputs = NamedTuple("Outputs", [("word", str), ("number", int)])
    return outputs(
        dsl.OneOf(first.outputs["text"], second.outputs["text"]),
        dsl.OneOf(first.outputs["number"], second.outputs["number"]),
    )


@dsl.pipeline
def one_of_in_a_loop(text: str = "a"):
    with dsl.ParallelFor(["x", "y"]) as item:
        with dsl.If(text == "a"):
            first = say(text=item)
        with dsl.Else():
            second = say(text="2")
        say(text=dsl.OneOf(first.output, second.output))


@dsl.pipeline
def one_of_in_a_branch(text: str = "a"):
    with dsl.If(text == "a"):
        with dsl.If(text == "b"):
            first = say(text="1")
        with dsl.Else():
            second = say(text="2")
        chosen = dsl.OneOf(first.output, second.output)
        say(text=chosen)
        with dsl.If(text == "c"):
            say(text=chosen)
