"""A conformance case: a pipeline, how it is submitted, and its expected result.

Standard library only, since the pipelines are compiled in an environment with the real `kfp`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PATH = "<a writable path>"
"""An argument with this value is replaced by a new path that a step may write to."""


@dataclass(frozen=True)
class Case:
    """One row of the conformance table."""

    feature: str
    """The feature, in a few words. The topic is the module's docstring."""
    pipeline: Any
    """A function decorated with `dsl.pipeline`. The pipeline's name is the case's name."""
    kfp: str
    """Support by KFP's own backend: ``yes``, ``partly: ...`` or ``no: ...``."""
    args: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """Further fields of the submit request, such as ``failure_strategy``."""
    state: str = "SUCCEEDED"
    outputs: dict[str, Any] = field(default_factory=dict)
    """Expected output parameters of the pipeline."""
    tasks: dict[str, str] = field(default_factory=dict)
    """Path of a task, without ``root/``, to its expected final state; ``ABSENT`` when there must
    be no such task."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Path of a task to the expected number of its last attempt."""
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Path of a task to expected output parameters."""
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``path:artifact`` to expected metadata of the first artifact."""
    logs: dict[str, str] = field(default_factory=dict)
    """Path of a task to a text that its log has to contain."""
    error: str = ""
    """A text that the run's error has to contain."""
    cached: tuple[str, ...] = ()
    """Paths of the tasks that are cache hits when the case is submitted a second time, which has to
    have the same outputs. When empty, the case is submitted once, without the cache."""
    local: bool = True
    """Whether `kfp.local` also runs the case, for comparison."""
