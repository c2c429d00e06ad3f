"""The hook by which `dsl.pipeline` compiles pipelines of version 1.

It implements `headrace.authoring.version1_hook.Version1Hook`. Invariant: the rest of `headrace.v1`
is imported when a pipeline uses it, not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from headrace.graph.channels import PipelineParameterChannel
from headrace.graph.config import PipelineConfig
from headrace.graph.interfaces.specs import ComponentSpec
from headrace.graph.pipeline import Pipeline

_UNTYPED = (inspect.Parameter.empty, PipelineParameterChannel)


def applies_to(function: Callable[..., Any]) -> bool:
    """Whether the function has parameters without type annotations, as in version 1."""
    parameters = inspect.signature(function).parameters.values()
    return any(each.annotation in _UNTYPED for each in parameters)


def read_spec(
    function: Callable[..., Any], description: str | None, name: str | None
) -> ComponentSpec:
    """Read the interface of a function of version 1."""
    from headrace.v1.signature import pipeline_spec

    return pipeline_spec(function, description, name)


def begin(pipeline: Pipeline) -> None:
    """Mark the pipeline as one of version 1."""
    from headrace.v1.pipeline_state import state_of

    state_of(pipeline)


def finish(pipeline: Pipeline, config: PipelineConfig | None) -> PipelineConfig | None:
    """Apply the pipeline's settings and complete its ops, when it uses version 1."""
    if pipeline.version1 is None:
        return config
    from headrace.v1.ops.finish import finish_ops
    from headrace.v1.pipeline_state import state_of

    config = state_of(pipeline).conf.apply(pipeline, config)
    finish_ops(pipeline)
    return config
