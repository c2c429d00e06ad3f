"""Steps that return or describe parameters."""

from typing import NamedTuple

from kfp import dsl


@dsl.container_component
def copy_all(
    whole: int,
    number: float,
    text: str,
    flag: bool,
    items: list,
    fields: dict,
    whole_out: dsl.OutputPath(int),
    number_out: dsl.OutputPath(float),
    text_out: dsl.OutputPath(str),
    flag_out: dsl.OutputPath(bool),
    items_out: dsl.OutputPath(list),
    fields_out: dsl.OutputPath(dict),
):
    """Writes each word of its arguments into the file after it."""
    script = (
        'while [ $# -gt 0 ]; do mkdir -p "$(dirname "$2")"; printf "%s" "$1" > "$2"; shift 2; done'
    )
    return dsl.ContainerSpec(
        "alpine",
        ["sh", "-c", script, "copy"],
        [whole, whole_out, number, number_out, text, text_out]
        + [flag, flag_out, items, items_out, fields, fields_out],
    )


@dsl.component
def describe(whole: int, number: float, text: str, flag: bool, items: list, fields: dict) -> str:
    """Its arguments as Python values."""
    return repr([whole, number, text, flag, items, fields])


@dsl.component
def same(whole: int, number: float, text: str, flag: bool, items: list, fields: dict) -> NamedTuple(
    "Same", whole=int, number=float, text=str, flag=bool, items=list, fields=dict
):
    """Returns its arguments."""
    from collections import namedtuple

    names = ["whole", "number", "text", "flag", "items", "fields"]
    return namedtuple("Same", names)(whole, number, text, flag, items, fields)
