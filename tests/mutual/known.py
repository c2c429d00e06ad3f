"""Known differences between the steps of the two SDKs: error messages that are clearer here."""

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
        "kfp's executor fails on a missing status",
    ),
    Known(
        "<class 'inspect._empty'>",
        "but has no return annotation",
        "kfp's executor does not name a function without a return annotation",
    ),
    Known(
        "object of type 'int' has no len()",
        "Expected 2 return values from function `returns_one_for_several`, got one of type",
        "kfp's executor fails on a single value in the place of several",
    ),
    Known(
        "Invalid category: a passed",
        "Invalid category: c passed",
        "kfp's ClassificationMetrics name the row's category when the column's is unknown",
    ),
    Known(
        "'ClassificationMetrics' object has no attribute '_categories'",
        "The confusion matrix has no categories",
        "kfp's ClassificationMetrics fail on a matrix without categories",
    ),
    Known(
        "<class 'kfp.dsl.types.artifact_types.",
        "<class 'headrace.step.artifacts.",
        "the module of a class",
    ),
)


def known(theirs: str, ours: str) -> str | None:
    """Why two texts may differ; None when they may not."""
    fitting = (each for each in KNOWN if each.kfp in theirs and each.headrace in ours)
    return next((each.reason for each in fitting), None)
