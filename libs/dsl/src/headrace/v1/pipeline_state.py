"""What version 1 notes of the pipeline that is being defined."""

from __future__ import annotations

from headrace.graph.pipeline import Pipeline, current
from headrace.v1.pipeline_conf import PipelineConf


class State:
    """What a pipeline of version 1 holds beside its tasks."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.conf = PipelineConf()


def state_of(pipeline: Pipeline) -> State:
    """The state of a pipeline, which then is one of version 1."""
    if pipeline.version1 is None:
        pipeline.version1 = State(pipeline)
    state: State = pipeline.version1
    return state


def required_state(what: str) -> State:
    """The state of the pipeline that is being defined.

    Raises:
        RuntimeError: none is; the message begins with `what` needs one.
    """
    pipeline = current()
    if pipeline is None:
        raise RuntimeError(
            f"{what} needs a pipeline: write it in a function with @dsl.pipeline, or in a function "
            "that one calls."
        )
    return state_of(pipeline)


def get_pipeline_conf() -> PipelineConf:
    """The settings of the pipeline that is being defined.

    Raises:
        RuntimeError: none is.
    """
    return required_state("dsl.get_pipeline_conf()").conf
