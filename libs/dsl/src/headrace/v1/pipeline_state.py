"""The state of version 1 for the pipeline that is being defined."""

from __future__ import annotations

from headrace.graph.pipeline import Pipeline, current
from headrace.v1.pipeline_conf import PipelineConf


class Version1State:
    """What a pipeline of version 1 has besides its tasks and groups."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.conf = PipelineConf()


def state_of(pipeline: Pipeline) -> Version1State:
    """The state of a pipeline; creating it makes the pipeline one of version 1."""
    if pipeline.version1 is None:
        pipeline.version1 = Version1State(pipeline)
    state: Version1State = pipeline.version1
    return state


def required_state(what: str) -> Version1State:
    """The state of the pipeline that is being defined.

    Raises:
        RuntimeError: No pipeline is being defined; the message starts with `what`.
    """
    pipeline = current()
    if pipeline is None:
        raise RuntimeError(
            f"{what} needs a pipeline: use it in a function with @dsl.pipeline, or in a function "
            "that is called from one."
        )
    return state_of(pipeline)


def get_pipeline_conf() -> PipelineConf:
    """The settings of the pipeline that is being defined.

    Raises:
        RuntimeError: No pipeline is being defined.
    """
    return required_state("dsl.get_pipeline_conf()").conf
