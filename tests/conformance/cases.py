"""What a conformance case is: a pipeline, how it is submitted, and what has to come of it.

Standard library only: the pipelines are compiled with the real `kfp` in an environment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PATH = "<a writable path>"
"""An argument of this value is replaced by a fresh path that a step may write to."""


@dataclass(frozen=True)
class Case:
    """One row of the conformance table."""

    feature: str
    """What the row is about, in a few words; the topic is the module's docstring."""
    pipeline: Any
    """A function decorated with `dsl.pipeline`. Its name is the case's."""
    kfp: str
    """What KFP's own backend does: ``yes``, ``partly: ...`` or ``no: ...``."""
    args: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """Further fields of the submit request, such as ``failure_strategy``."""
    state: str = "SUCCEEDED"
    outputs: dict[str, Any] = field(default_factory=dict)
    """The pipeline's output parameters that have to have these values."""
    tasks: dict[str, str] = field(default_factory=dict)
    """Path of a task, without ``root/``, to the state it has to end in; a path that must not come
    up has the state ``ABSENT``."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Path of a task to the number of its last attempt."""
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Path of a task to output parameters that it has to have."""
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``path:artifact`` to metadata that its first artifact has to have."""
    logs: dict[str, str] = field(default_factory=dict)
    """Path of a task to a text that its log has to hold."""
    error: str = ""
    """A text that the run's error has to hold."""
    cached: tuple[str, ...] = ()
    """Paths of the tasks that come from the cache when the case is submitted a second time; the
    outputs must be the same. Without any, the case is submitted once, and without the cache."""
    local: bool = True
    """Whether the case is also given to `kfp.local`, for comparison."""
