"""The pipeline that is being defined, as its channels, groups and tasks see it.

Invariant: the only state that pipelines share while they are defined; each thread and each
coroutine has its own.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any, Protocol


class PipelineContext(Protocol):
    """What the parts of a pipeline need of it; `headrace.graph.pipeline.Pipeline` implements it."""

    loop_channels: dict[str, Any]
    """Channels that texts refer to by their patterns, such as the items of loops."""

    def find(self, name: str) -> Any:
        """Return the task or group with this name."""

    def add_task(self, task: Any) -> str:
        """Add a task to the innermost open group; returns the task's unique name."""

    def push(self, group: Any) -> None:
        """Open a group within the innermost open one."""

    def close(self, group: Any) -> None:
        """Close a group, and the groups within it that are still open."""

    def next_group_id(self) -> str:
        """Return the number of the next group."""


_current: ContextVar[PipelineContext | None] = ContextVar("headrace_pipeline", default=None)


def current_context() -> PipelineContext | None:
    """The pipeline whose function is running; None outside of a pipeline."""
    return _current.get()


def required_context() -> PipelineContext:
    """The pipeline whose function is running.

    Raises:
        ValueError: No pipeline is being defined.
    """
    context = _current.get()
    if context is None:
        raise ValueError(
            "Default pipeline not defined: use control flow such as dsl.If and dsl.ParallelFor in "
            "the body of a function with @dsl.pipeline."
        )
    return context


def enter(context: PipelineContext) -> Token[PipelineContext | None]:
    """Make a pipeline the current one; `leave` takes the returned token.

    Raises:
        RuntimeError: Another pipeline is being defined.
    """
    if _current.get() is not None:
        raise RuntimeError(
            "Nested pipelines are not allowed: define the inner pipeline outside of the outer "
            "pipeline's function, and call it there."
        )
    return _current.set(context)


def leave(token: Token[PipelineContext | None]) -> None:
    """Undo `enter`."""
    _current.reset(token)
