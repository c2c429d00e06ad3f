"""Pipelines that kfp fails to compile, or compiles to IR with dangling references."""

from typing import Dict, List

from kfp import dsl

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def count(number: int = 1) -> int:
    return number


@dsl.component(base_image=IMAGE)
def total(numbers: List[int]) -> int:
    return sum(numbers)


def a_part_of_an_item_under_a_condition():
    @dsl.pipeline
    def pipeline():
        with dsl.ParallelFor([{"a": 1, "b": 2}]) as item:
            with dsl.If(item.a == 1):
                count(number=item.b)
            with dsl.Else():
                count(number=item.a)

    return pipeline


def a_part_of_an_item_in_an_inner_loop():
    @dsl.pipeline
    def pipeline():
        with dsl.ParallelFor([{"a": 1, "b": 2}]) as item:
            with dsl.ParallelFor(["x", "y"]) as other:
                count(number=item.b)
                say(text=f"{item.a} {other}")

    return pipeline


def a_part_of_an_item_under_an_exit_handler():
    @dsl.pipeline
    def pipeline():
        ending = say()
        with dsl.ExitHandler(ending):
            with dsl.ParallelFor([{"a": "1"}]) as item:
                say(text=item.a)

    return pipeline


def parts_of_items_in_texts():
    @dsl.pipeline
    def pipeline(things: List[Dict[str, str]]):
        with dsl.ParallelFor(things) as item:
            say(text=f"{item.a} and {item.b}")

    return pipeline


def items_of_several_loops_in_a_text():
    @dsl.pipeline
    def pipeline(outer: List[str]):
        with dsl.ParallelFor(outer) as one:
            with dsl.ParallelFor(["a", "b"]) as other:
                with dsl.If(other == "a"):
                    say(text=f"{one} {other}")

    return pipeline


def an_item_in_a_text_under_a_condition():
    @dsl.pipeline
    def pipeline(words: List[str], wanted: str):
        with dsl.If(wanted == "a"):
            with dsl.ParallelFor(words) as item:
                say(text=f"{item} {wanted}")

    return pipeline


def an_inner_loop_whose_item_is_not_used():
    @dsl.pipeline
    def pipeline(words: List[str], wanted: str):
        with dsl.If(wanted == "a"):
            with dsl.ParallelFor(words):
                say()

    return pipeline


def a_part_of_a_part_under_a_condition():
    @dsl.pipeline
    def pipeline(things: list):
        with dsl.ParallelFor(things) as item:
            with dsl.ParallelFor(item.parts) as part:
                with dsl.If(part.key == "a"):
                    say(text=part.key)

    return pipeline


def an_input_whose_name_is_in_that_of_a_loop():
    @dsl.pipeline
    def pipeline(words: List[str], word: str):
        with dsl.ParallelFor(words) as item:
            with dsl.If(item == "a"):
                say(text=word)

    return pipeline


def resources_in_a_loop():
    @dsl.pipeline
    def pipeline(cpu: str):
        made = say(text="1G")
        with dsl.ParallelFor([1, 2]):
            say().set_cpu_limit(cpu).set_memory_limit(made.output)

    return pipeline


def one_collected_for_two():
    @dsl.pipeline
    def pipeline():
        with dsl.ParallelFor([1, 2]) as item:
            made = count(number=item)
        collected = dsl.Collected(made.output)
        total(numbers=collected)
        total(numbers=collected)

    return pipeline


def a_group_of_a_name_that_an_inner_pipeline_has():
    @dsl.pipeline
    def inner(words: List[str]):
        with dsl.If(say().output == "a"):
            with dsl.ParallelFor(words) as item:
                say(text=item)

    @dsl.pipeline
    def pipeline(words: List[str]):
        inner(words=words)
        with dsl.If(say().output == "a"):
            with dsl.ParallelFor(words) as item:
                say(text=item)

    return pipeline


def a_choice_that_is_a_condition():
    @dsl.pipeline
    def pipeline(text: str):
        with dsl.If(text == "a"):
            first = say()
        with dsl.Else():
            second = say()
        with dsl.If(dsl.OneOf(first.output, second.output) == "a"):
            say()

    return pipeline


def a_failure_ignored_with_a_default():
    @dsl.pipeline
    def pipeline():
        first = say()
        say().after(first).ignore_upstream_failure()

    return pipeline


BEYOND_KFP = [
    value
    for name, value in list(globals().items())
    if callable(value) and name.startswith(("a_", "an_", "items", "one_", "parts_", "resources"))
]
