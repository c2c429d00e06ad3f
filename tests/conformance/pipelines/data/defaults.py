"""Defaults, constants and optional inputs."""

from typing import NamedTuple, Optional

from kfp import dsl

from tests.conformance.cases import Case
from tests.conformance.pipelines._parameters import copy_all, describe, same


@dsl.component
def with_defaults(
    whole: int = 3,
    number: float = 0.5,
    text: str = "default",
    flag: bool = True,
    items: list = [1, 2],
    fields: dict = {"a": 1},
) -> str:
    """Its arguments as Python values."""
    return repr([whole, number, text, flag, items, fields])


@dsl.component
def with_optional(
    text: Optional[str] = None, number: Optional[int] = 5, items: Optional[list] = None
) -> str:
    """Its arguments as Python values."""
    return repr([text, number, items])


@dsl.pipeline
def constants() -> NamedTuple("Out", python=str, container=dict):
    out = NamedTuple("Out", python=str, container=dict)
    python = describe(
        whole=-12,
        number=-0.125,
        text="",
        flag=False,
        items=[1, {"a": [2, "b"]}],
        fields={"n": {"m": 3}, "ü": 1},
    )
    container = copy_all(
        whole=0, number=1e21, text="", flag=True, items=[], fields={"n": {"m": [3, 4.5]}}
    )
    return out(python=python.output, container=container.outputs["fields_out"])


@dsl.pipeline
def defaults(whole: int = 1, text: str = "the pipeline's") -> NamedTuple("Out", none=str, some=str):
    out = NamedTuple("Out", none=str, some=str)
    none = with_defaults()
    some = with_defaults(whole=whole, text=text, flag=False, items=[])
    return out(none=none.output, some=some.output)


@dsl.pipeline
def optional_inputs(
    text: Optional[str] = None, number: Optional[int] = None, items: Optional[list] = None
) -> NamedTuple("Out", passed_on=str, left_out=str):
    out = NamedTuple("Out", passed_on=str, left_out=str)
    passed_on = with_optional(text=text, number=number, items=items)
    return out(passed_on=passed_on.output, left_out=with_optional().output)


@dsl.pipeline
def null_inputs(text: Optional[str] = "default", number: Optional[int] = None) -> str:
    return with_optional(text=text, number=number).output


@dsl.pipeline
def inner_optional(text: Optional[str] = None, number: Optional[int] = 8) -> str:
    return with_optional(text=text, number=number).output


@dsl.pipeline
def optional_inputs_of_a_nested_pipeline() -> str:
    return inner_optional().output


@dsl.pipeline
def null_inside(items: list, fields: dict) -> NamedTuple("Out", python=str, items=list):
    out = NamedTuple("Out", python=str, items=list)
    given = {"whole": 0, "number": 0.5, "text": "", "flag": True, "items": items}
    python = describe(**given, fields=fields)
    return out(python=python.output, items=same(**given, fields=fields).outputs["items"])


CASES = [
    Case(
        "constants of every type, empty ones too",
        constants,
        "yes",
        outputs={
            "python": "[-12, -0.125, '', False, [1, {'a': [2, 'b']}], {'n': {'m': 3}, 'ü': 1}]",
            "container": {"n": {"m": [3, 4.5]}},
        },
        made={
            "copy-all": {
                "whole_out": 0,
                "number_out": 1e21,
                "text_out": "",
                "flag_out": True,
                "items_out": [],
            }
        },
        local=False,
    ),
    Case(
        "defaults of a component and of the pipeline",
        defaults,
        "yes",
        args={"whole": 2},
        outputs={
            "none": "[3, 0.5, 'default', True, [1, 2], {'a': 1}]",
            "some": "[2, 0.5, \"the pipeline's\", False, [], {'a': 1}]",
        },
    ),
    Case(
        "an optional input without a value is absent, so the function's default applies",
        optional_inputs,
        "yes",
        outputs={"passed_on": "[None, 5, None]", "left_out": "[None, 5, None]"},
    ),
    Case(
        "an input given as null is absent",
        null_inputs,
        "yes",
        args={"number": None},
        outputs={"Output": "['default', 5, None]"},
    ),
    Case(
        "optional inputs of a nested pipeline: null, and a default",
        optional_inputs_of_a_nested_pipeline,
        "yes",
        outputs={"Output": "[None, 8, None]"},
    ),
    Case(
        "null inside lists and objects",
        null_inside,
        "yes",
        args={"items": [None, [None]], "fields": {"a": None}},
        outputs={
            "python": "[0, 0.5, '', True, [None, [None]], {'a': None}]",
            "items": [None, [None]],
        },
        local=False,
    ),
]
