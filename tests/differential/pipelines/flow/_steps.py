"""Components that the pipelines of control flow use."""

from typing import Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

IMAGE = "python:3.11"


@dsl.component(base_image=IMAGE)
def say(text: str = "a") -> str:
    return text


@dsl.component(base_image=IMAGE)
def count(number: int = 1) -> int:
    return number


@dsl.component(base_image=IMAGE)
def measure() -> float:
    return 0.5


@dsl.component(base_image=IMAGE)
def judge() -> bool:
    return True


@dsl.component(base_image=IMAGE)
def texts() -> List[str]:
    return ["a"]


@dsl.component(base_image=IMAGE)
def mappings() -> List[Dict[str, int]]:
    return [{"a": 1}]


@dsl.component(base_image=IMAGE)
def mapping() -> dict:
    return {}


@dsl.component(base_image=IMAGE)
def total(numbers: List[int]) -> int:
    return sum(numbers)


@dsl.component(base_image=IMAGE)
def join(texts: list) -> str:
    return "".join(texts)


@dsl.component(base_image=IMAGE)
def make(data: Output[Dataset], text: str = "a"):
    pass


@dsl.component(base_image=IMAGE)
def read(data: Input[Dataset]) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def read_all(data: Input[List[Dataset]]) -> str:
    return ""


@dsl.component(base_image=IMAGE)
def two() -> NamedTuple("Outputs", [("text", str), ("number", int)]):
    return ("a", 1)


@dsl.component(base_image=IMAGE)
def final(status: dsl.PipelineTaskFinalStatus, text: str = "a"):
    pass
