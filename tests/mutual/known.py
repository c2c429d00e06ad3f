"""Known differences between the steps of the two SDKs: error messages, where Headrace says more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A difference between two texts."""

    kfp: str
    """A part of kfp's text."""
    headrace: str
    """The part of Headrace's text in its place."""
    reason: str


KNOWN = (
    Known(
        "'NoneType' object has no attribute 'get'",
        "is a PipelineTaskFinalStatus, which only the exit task",
        "kfp's executor fails over a status that nobody gives it",
    ),
    Known(
        "<class 'inspect._empty'>",
        "but has no return annotation",
        "kfp's executor names no function that returns what it does not say",
    ),
    Known(
        "object of type 'int' has no len()",
        "Expected 2 return values from function `returns_one_for_several`, got one of type",
        "kfp's executor counts the values of what is one value",
    ),
    Known(
        "Invalid category: a passed",
        "Invalid category: c passed",
        "kfp's ClassificationMetrics name the row's category where the column's is unknown",
    ),
    Known(
        "'ClassificationMetrics' object has no attribute '_categories'",
        "The confusion matrix has no categories",
        "kfp's ClassificationMetrics fail over a matrix that was not begun",
    ),
    Known(
        "<class 'kfp.dsl.types.artifact_types.",
        "<class 'headrace.step.artifacts.",
        "a class's module",
    ),
)


def known(theirs: str, ours: str) -> str | None:
    """Why two texts may differ; None when they may not."""
    fitting = (each for each in KNOWN if each.kfp in theirs and each.headrace in ours)
    return next((each.reason for each in fitting), None)
