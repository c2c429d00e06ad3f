"""Tells pipelines of version 1 from those of version 2, without what either needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from headrace.dsl.channels import PipelineParameterChannel

_NOTHING_SAID = (inspect.Parameter.empty, PipelineParameterChannel)


def is_plain(function: Callable[..., Any]) -> bool:
    """Whether a function has parameters without annotations, as version 1 has them."""
    parameters = inspect.signature(function).parameters.values()
    return any(each.annotation in _NOTHING_SAID for each in parameters)
