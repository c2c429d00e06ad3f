"""Branches, loops, exit handlers and collections that both SDKs reject."""

from kfp import dsl

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import join, make, need, say

REJECTED = Rejections()


@REJECTED.in_pipeline("True")
def a_condition_that_is_known():
    with dsl.If("a" == "a"):
        say()


@REJECTED.in_pipeline("dsl.If")
def an_else_without_an_if():
    with dsl.Else():
        say()


@REJECTED.in_pipeline("dsl.If")
def an_elif_without_an_if():
    made = say()
    with dsl.Elif(made.output == "a"):
        say()


@REJECTED.in_pipeline("another dsl.Else")
def two_elses():
    made = say()
    with dsl.If(made.output == "a"):
        say()
    with dsl.Else():
        say()
    with dsl.Else():
        say()


@REJECTED.definition("things")
def a_condition_on_a_list():
    @dsl.pipeline
    def wrong(things: list):
        with dsl.If(things == "a"):
            say()


@REJECTED.in_pipeline("dsl.If")
def an_output_from_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        inner = say()
    say(text=inner.output)


@REJECTED.in_pipeline("dsl.If")
def after_a_task_in_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        inner = say()
    say().after(inner)


@REJECTED.in_pipeline("dsl.Collected")
def an_output_from_a_loop():
    with dsl.ParallelFor([1, 2]):
        inner = say()
    say(text=inner.output)


@REJECTED.in_pipeline("dsl.ExitHandler")
def an_output_from_an_exit_handler():
    ending = say()
    with dsl.ExitHandler(ending):
        inner = say()
    say(text=inner.output)


@REJECTED.in_pipeline("dsl.ParallelFor")
def a_collected_of_no_loop():
    join(texts=dsl.Collected(say().output))


@REJECTED.in_pipeline("dsl.If")
def a_collected_of_a_loop_in_a_branch():
    made = say()
    with dsl.If(made.output == "a"):
        with dsl.ParallelFor([1, 2]):
            inner = say()
    join(texts=dsl.Collected(inner.output))


@REJECTED.in_pipeline("empty")
def a_loop_over_nothing():
    with dsl.ParallelFor([]):
        say()


@REJECTED.in_pipeline("single parameter")
def a_loop_over_a_text():
    with dsl.ParallelFor(say().output):
        say()


@REJECTED.in_pipeline("single artifact")
def a_loop_over_an_artifact():
    with dsl.ParallelFor(make().outputs["data"]):
        say()


@REJECTED.in_pipeline("-1")
def a_negative_parallelism():
    with dsl.ParallelFor([1], parallelism=-1):
        say()


@REJECTED.in_pipeline("not a legal")
def a_loop_over_dicts_with_a_bad_key():
    with dsl.ParallelFor([{"a b": 1}]):
        say()


@REJECTED.in_pipeline("exit_task")
def an_exit_task_that_depends():
    with dsl.ExitHandler(say(text=say().output)):
        say()


@REJECTED.in_pipeline("exit_task")
def an_exit_task_that_waits():
    with dsl.ExitHandler(say().after(say())):
        say()


@REJECTED.in_pipeline("outermost")
def an_exit_handler_in_a_loop():
    ending = say()
    with dsl.ParallelFor([1, 2]):
        with dsl.ExitHandler(ending):
            say()


@REJECTED.in_pipeline("dsl.Else")
def a_choice_without_an_else():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Elif(made.output == "b"):
        other = say()
    say(text=dsl.OneOf(one.output, other.output))


@REJECTED.in_pipeline("String")
def a_choice_of_two_types():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = need(text="a", number=1)
    say(text=dsl.OneOf(one.output, other.output))


@REJECTED.in_pipeline("mix")
def a_choice_of_two_kinds():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = make()
    say(text=dsl.OneOf(one.output, other.outputs["data"]))


@REJECTED.in_pipeline("interpolation")
def a_choice_in_a_text():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = say()
    say(text=f"{dsl.OneOf(one.output, other.output)}")


@REJECTED.in_pipeline("dsl.Collected")
def a_choice_that_is_collected():
    made = say()
    with dsl.If(made.output == "a"):
        one = say()
    with dsl.Else():
        other = say()
    join(texts=dsl.Collected(dsl.OneOf(one.output, other.output)))
