"""Names, inputs and outputs of pipelines that both SDKs reject."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from tests.differential.pipelines.rejected._rejections import Rejections
from tests.differential.pipelines.rejected._steps import say

REJECTED = Rejections()


@REJECTED.definition("number")
def a_default_of_another_type():
    @dsl.pipeline
    def wrong(number: int = "a"):
        say()


@REJECTED.definition("text")
def a_default_text_that_is_a_number():
    @dsl.pipeline
    def wrong(text: str = 5):
        say()


@REJECTED.in_pipeline("Task")
def no_task():
    pass


@REJECTED.definition("pipeline")
def a_name_that_is_too_long():
    @dsl.pipeline(name="a" * 129)
    def wrong():
        say()


@REJECTED.definition("list")
def a_pipeline_that_returns_a_list():
    @dsl.pipeline
    def wrong() -> str:
        return [say().output]


@REJECTED.definition("Output")
def an_output_that_is_not_declared():
    @dsl.pipeline
    def wrong():
        return say().output


@REJECTED.definition("Output")
def an_output_that_is_missing():
    @dsl.pipeline
    def wrong() -> str:
        say()


@REJECTED.definition("NUMBER_INTEGER")
def an_output_of_the_wrong_type():
    @dsl.pipeline
    def wrong() -> int:
        return say().output


@REJECTED.definition("dsl.If")
def an_output_of_a_branch():
    @dsl.pipeline
    def wrong(text: str) -> str:
        with dsl.If(text == "a"):
            made = say()
        return made.output


@REJECTED.definition("pipelines")
def a_pipeline_in_a_pipeline():
    @dsl.pipeline
    def outer():
        @dsl.pipeline
        def inner():
            say()


@REJECTED.definition("data")
def a_pipeline_with_an_output_among_its_inputs():
    @dsl.pipeline
    def wrong(text: str, data: Output[Dataset]):
        say(text=text)
