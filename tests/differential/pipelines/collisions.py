"""Name collisions: tasks, components and executors with the same name, in nested pipelines."""

from typing import List

from kfp import dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def step(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def step_2(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def Step__3(text: str = "a") -> str:
    return text


@dsl.pipeline
def same_names():
    step()
    step_2()
    step()
    step()
    Step__3()
    step_2()


@dsl.pipeline
def inner(text: str = "a") -> str:
    return step(text=text).output


@dsl.pipeline
def inner_twice(text: str = "a"):
    step(text=inner(text=text).output)
    inner(text=text)


@dsl.pipeline
def outer():
    step()
    inner()
    inner()
    step()


@dsl.pipeline
def outermost():
    inner_twice()
    step()
    inner()
    inner_twice()


@dsl.pipeline
def inner_with_groups(words: List[str]):
    with dsl.ParallelFor(words) as item:
        step(text=item)
    with dsl.If(step().output == "a"):
        step()


@dsl.pipeline
def outer_with_groups(words: List[str]):
    with dsl.ParallelFor(words) as item:
        step_2(text=item)
    inner_with_groups(words=words)
    with dsl.If(step().output == "a"):
        inner_with_groups(words=words)
