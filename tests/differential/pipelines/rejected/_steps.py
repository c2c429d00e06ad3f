"""Correct components and a pipeline, which the rejected definitions use."""

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def need(text: str, number: int) -> int:
    return number


@dsl.component(base_image=IMAGE)
def join(texts: list) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def two() -> NamedTuple("Outputs", [("a", str), ("b", int)]):
    return ("a", 1)


@dsl.component(base_image=IMAGE)
def make(data: Output[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def make_model(model: Output[Model]):
    pass


@dsl.component(base_image=IMAGE)
def read(data: Input[Dataset]):
    pass


@dsl.component(base_image=IMAGE)
def read_all(data: Input[List[Dataset]]):
    pass


@dsl.component(base_image=IMAGE)
def final(status: dsl.PipelineTaskFinalStatus):
    pass


@dsl.pipeline
def small(text: str = "a"):
    say(text=text)
