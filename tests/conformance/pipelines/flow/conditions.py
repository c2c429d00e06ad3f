"""Conditions and branches."""

from typing import Optional

from kfp import dsl

from tests.conformance.pipelines._steps import ShellCase, count, decide, measure, quote_dict, say


def _compare(value, less, same, more):
    """A branch for each comparison of the DSL, twice: once true, once false."""
    conditions = [
        (value == same, value == less),
        (value != more, value != same),
        (value < more, value < same),
        (value <= same, value <= less),
        (value > less, value > same),
        (value >= same, value >= more),
    ]
    for true, false in conditions:
        with dsl.If(true):
            say(text="true")
        with dsl.If(false):
            say(text="false")


_COMPARED = {
    f"condition-{number}": "SUCCEEDED" if number % 2 else "SKIPPED" for number in range(1, 13)
}


@dsl.pipeline
def if_else(side: str = "heads") -> str:
    flip = say(text=side)
    with dsl.If(flip.outputs["value"] == "heads"):
        heads = say(text="it was heads")
    with dsl.Else():
        tails = say(text="it was tails")
    return dsl.OneOf(heads.outputs["value"], tails.outputs["value"])


@dsl.pipeline
def compare_int_parameter(number: int = 10):
    _compare(number, 9, 10, 11)


@dsl.pipeline
def compare_int_output(number: int = -1):
    _compare(count(number=number).outputs["value"], -2, -1, 0)


@dsl.pipeline
def compare_float_parameter(number: float = 0.5):
    _compare(number, 0.25, 0.5, 0.75)


@dsl.pipeline
def compare_float_output(number: float = 2.0):
    _compare(measure(number=number).outputs["value"], 1.5, 2.0, 1e3)


@dsl.pipeline
def compare_str_parameter(text: str = "b"):
    _compare(text, "a", "b", "c")


@dsl.pipeline
def compare_str_output(text: str = 'say "b", {ü}'):
    _compare(say(text=text).outputs["value"], 'say "a", {ü}', 'say "b", {ü}', 'say "c", {ü}')


@dsl.pipeline
def compare_bools(yes: bool = True):
    made = decide(choice=yes).outputs["value"]
    for value in (yes, made):
        with dsl.If(value == True):
            say(text="true")
        with dsl.If(value != True):
            say(text="false")
        with dsl.If(value != False):
            say(text="true")
        with dsl.If(value == False):
            say(text="false")


@dsl.pipeline
def compare_two_outputs(low: int = 1, high: int = 2):
    first, second = count(number=low).outputs["value"], count(number=high).outputs["value"]
    with dsl.If(first < second):
        say(text="true")
    with dsl.If(first == second):
        say(text="false")
    with dsl.If(first <= high):
        say(text="true")


@dsl.pipeline
def int_against_float(number: int = 3):
    with dsl.If(number > 2.5):
        say(text="true")
    with dsl.If(number == 3.0):
        say(text="true")
    with dsl.If(number > 3.5):
        say(text="false")


@dsl.pipeline
def nested_ifs(number: int = 5):
    with dsl.If(number > 1):
        outer = count(number=number)
        with dsl.If(outer.outputs["value"] > 4):
            say(text="both")
        with dsl.If(outer.outputs["value"] > 5):
            say(text="only the outer")
    with dsl.If(number > 5):
        with dsl.If(number > 1):
            say(text="only the inner")


@dsl.pipeline
def nothing_taken(number: int = 5):
    with dsl.If(number == 1):
        say(text="one")
    with dsl.Elif(number == 2):
        say(text="two")


@dsl.pipeline
def elif_chain(number: int = 20) -> str:
    with dsl.If(number < 10):
        small = say(text="small")
    with dsl.Elif(number < 20):
        medium = say(text="medium")
    with dsl.Elif(number < 30):
        large = say(text="large")
    with dsl.Elif(number < 40):
        huge = say(text="huge")
    with dsl.Else():
        beyond = say(text="beyond")
    return dsl.OneOf(*(one.outputs["value"] for one in (small, medium, large, huge, beyond)))


@dsl.pipeline
def else_at_last(number: int = 99) -> str:
    with dsl.If(number == 1):
        one = say(text="one")
    with dsl.Elif(number == 2):
        two = say(text="two")
    with dsl.Else():
        other = say(text="other")
    return dsl.OneOf(one.outputs["value"], two.outputs["value"], other.outputs["value"])


@dsl.pipeline
def inside_a_skipped_branch(number: int = 1) -> str:
    before = say(text="before")
    with dsl.If(number == 2):
        inside = say(text=before.outputs["value"])
        say(text=inside.outputs["value"])
        with dsl.ParallelFor([1, 2]) as item:
            count(number=item).after(inside)
    return before.outputs["value"]


@dsl.pipeline
def condition_on_an_item(threshold: int = 2):
    with dsl.ParallelFor([1, 2, 3]) as item:
        with dsl.If(item >= threshold):
            count(number=item)
        with dsl.Else():
            say(text="below")


@dsl.pipeline
def condition_on_what_an_item_made():
    with dsl.ParallelFor([{"kind": "a", "size": 1}, {"kind": "b", "size": 2}]) as item:
        kind = say(text=item.kind)
        with dsl.If(kind.outputs["value"] == "b"):
            quote_dict(item=item)


@dsl.pipeline
def condition_inside_uses_outside(number: int = 7) -> int:
    outside = count(number=number)
    with dsl.If(outside.outputs["value"] > 5):
        inside = count(number=outside.outputs["value"])
    with dsl.Else():
        other = count(number=0)
    return dsl.OneOf(inside.outputs["value"], other.outputs["value"])


@dsl.pipeline
def condition_without_a_value(word: Optional[str] = None):
    with dsl.If(word == "x"):
        say(text="x")
    with dsl.Else():
        say(text="not x")


@dsl.pipeline
def condition_on_no_text(word: str = ""):
    with dsl.If(word == ""):
        say(text="none")
    with dsl.If(word != ""):
        say(text="some")


@dsl.pipeline
def condition_on_many_items():
    with dsl.ParallelFor(list(range(500))) as item:
        with dsl.If(item == 250):
            count(number=item)


CASES = [
    ShellCase(
        "if and else, and the output of the branch that ran",
        if_else,
        "yes",
        outputs={"Output": "it was heads"},
        tasks={
            "condition-branches-1/condition-2": "SUCCEEDED",
            "condition-branches-1/condition-3": "SKIPPED",
        },
    ),
    ShellCase("all comparisons of an int parameter", compare_int_parameter, "yes", tasks=_COMPARED),
    ShellCase("all comparisons of an int output", compare_int_output, "yes", tasks=_COMPARED),
    ShellCase(
        "all comparisons of a float parameter", compare_float_parameter, "yes", tasks=_COMPARED
    ),
    ShellCase("all comparisons of a float output", compare_float_output, "yes", tasks=_COMPARED),
    ShellCase(
        "all comparisons of a string parameter", compare_str_parameter, "yes", tasks=_COMPARED
    ),
    ShellCase(
        "all comparisons of a string output that contains quotes",
        compare_str_output,
        "yes",
        tasks=_COMPARED,
    ),
    ShellCase(
        "comparisons of a bool parameter and of a bool output",
        compare_bools,
        "yes",
        tasks={name: _COMPARED[name] for name in list(_COMPARED)[:8]},
    ),
    ShellCase(
        "two outputs compared with each other, and one with a parameter",
        compare_two_outputs,
        "yes",
        tasks={"condition-1": "SUCCEEDED", "condition-2": "SKIPPED", "condition-3": "SUCCEEDED"},
    ),
    ShellCase(
        "an int parameter compared with fractions",
        int_against_float,
        "yes",
        tasks={"condition-1": "SUCCEEDED", "condition-2": "SUCCEEDED", "condition-3": "SKIPPED"},
    ),
    ShellCase(
        "if inside if",
        nested_ifs,
        "yes",
        tasks={
            "condition-1": "SUCCEEDED",
            "condition-1/condition-2": "SUCCEEDED",
            "condition-1/condition-3": "SKIPPED",
            "condition-4": "SKIPPED",
            "condition-4/condition-5": "ABSENT",
        },
    ),
    ShellCase(
        "if and elif without else, and no branch is taken",
        nothing_taken,
        "yes",
        tasks={
            "condition-branches-1": "SUCCEEDED",
            "condition-branches-1/condition-2": "SKIPPED",
            "condition-branches-1/condition-3": "SKIPPED",
        },
    ),
    ShellCase(
        "in a chain of elif, only the first true branch",
        elif_chain,
        "yes",
        outputs={"Output": "large"},
        tasks={
            f"condition-branches-1/condition-{number}": "SUCCEEDED" if number == 4 else "SKIPPED"
            for number in range(2, 7)
        },
    ),
    ShellCase("else when no elif is true", else_at_last, "yes", outputs={"Output": "other"}),
    ShellCase(
        "tasks in a branch that is not taken do not exist, and the run succeeds",
        inside_a_skipped_branch,
        "yes",
        outputs={"Output": "before"},
        tasks={
            "say": "SUCCEEDED",
            "condition-1": "SKIPPED",
            "condition-1/say-2": "ABSENT",
            "condition-1/for-loop-2": "ABSENT",
        },
    ),
    ShellCase(
        "a condition on a loop's item",
        condition_on_an_item,
        "yes",
        tasks={
            "for-loop-2/0/condition-branches-3/condition-4": "SKIPPED",
            "for-loop-2/0/condition-branches-3/condition-5": "SUCCEEDED",
            "for-loop-2/1/condition-branches-3/condition-4": "SUCCEEDED",
            "for-loop-2/1/condition-branches-3/condition-5": "SKIPPED",
            "for-loop-2/2/condition-branches-3/condition-4": "SUCCEEDED",
        },
        made={"for-loop-2/2/condition-branches-3/condition-4/count": {"value": 3}},
    ),
    ShellCase(
        "a condition on an output for a field of a loop's item",
        condition_on_what_an_item_made,
        "yes",
        tasks={"for-loop-2/0/condition-3": "SKIPPED", "for-loop-2/1/condition-3": "SUCCEEDED"},
        made={"for-loop-2/1/condition-3/quote-dict": {"value": '{"kind":"b","size":2}'}},
    ),
    ShellCase(
        "a branch uses outputs from outside",
        condition_inside_uses_outside,
        "yes",
        outputs={"Output": 7},
    ),
    ShellCase(
        "a parameter without a value equals nothing",
        condition_without_a_value,
        "partly: the result of such a comparison is undocumented",
        tasks={
            "condition-branches-1/condition-2": "SKIPPED",
            "condition-branches-1/condition-3": "SUCCEEDED",
        },
    ),
    ShellCase(
        "an empty string",
        condition_on_no_text,
        "yes",
        tasks={"condition-1": "SUCCEEDED", "condition-2": "SKIPPED"},
    ),
    ShellCase(
        "a condition on each of 500 items",
        condition_on_many_items,
        "yes",
        tasks={
            "for-loop-2/249/condition-3": "SKIPPED",
            "for-loop-2/250/condition-3": "SUCCEEDED",
            "for-loop-2/499/condition-3": "SKIPPED",
        },
    ),
]
