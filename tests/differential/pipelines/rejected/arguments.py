"""Arguments of tasks that both SDKs reject."""

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import (
    final,
    make,
    make_model,
    need,
    read,
    read_all,
    say,
    two,
)

REJECTED = Rejections()


@REJECTED.in_pipeline("keyword arguments")
def an_argument_by_position():
    say("a")


@REJECTED.in_pipeline("text, number")
def arguments_that_are_missing():
    need()


@REJECTED.in_pipeline("other")
def an_argument_of_no_input():
    say(other="a")


@REJECTED.in_pipeline("number")
def a_constant_of_another_type():
    need(text="a", number="b")


@REJECTED.in_pipeline("number")
def an_output_of_another_type():
    need(text="a", number=say().output)


@REJECTED.in_pipeline("Integer")
def a_float_for_an_int():
    need(text="a", number=object())


@REJECTED.in_pipeline("None")
def a_none_for_a_text():
    need(text=None, number=1)


@REJECTED.in_pipeline("system.Model")
def an_artifact_of_another_type():
    read(data=make_model().outputs["model"])


@REJECTED.in_pipeline("List")
def an_artifact_for_a_list():
    read_all(data=make().outputs["data"])


@REJECTED.in_pipeline("data")
def a_parameter_for_an_artifact():
    read(data=say().output)


@REJECTED.in_pipeline("text")
def an_artifact_for_a_parameter():
    say(text=make().outputs["data"])


@REJECTED.in_pipeline("two")
def the_only_output_of_two():
    say(text=two().output)


@REJECTED.in_pipeline("status")
def a_status_outside_of_an_exit_task():
    final()
