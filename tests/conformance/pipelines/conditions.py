"""Conditions and branches."""

from kfp import dsl

from tests.conformance.cases import Case


@dsl.container_component
def say(text: str, value: dsl.OutputPath(str)):
    """Gives back its text."""
    return dsl.ContainerSpec(
        "alpine", ["sh", "-c", 'mkdir -p "$(dirname "$1")"; printf "%s" "$0" > "$1"'], [text, value]
    )


@dsl.pipeline
def if_else(side: str = "heads") -> str:
    flip = say(text=side)
    with dsl.If(flip.outputs["value"] == "heads"):
        heads = say(text="it was heads")
    with dsl.Else():
        tails = say(text="it was tails")
    return dsl.OneOf(heads.outputs["value"], tails.outputs["value"])


CASES = [
    Case(
        "if and else, and the output of the branch that ran",
        if_else,
        "yes",
        outputs={"Output": "it was heads"},
        tasks={
            "condition-branches-1/condition-2": "SUCCEEDED",
            "condition-branches-1/condition-3": "SKIPPED",
        },
    ),
]
