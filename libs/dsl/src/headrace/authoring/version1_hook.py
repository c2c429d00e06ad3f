"""Where `headrace.v1` connects to `dsl.pipeline`, which does not import it.

`headrace.dsl` installs the hook when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from headrace.graph.config import PipelineConfig
from headrace.graph.interfaces.specs import ComponentSpec
from headrace.graph.pipeline import Pipeline


class Version1Hook(Protocol):
    """What `dsl.pipeline` asks of version 1."""

    def applies_to(self, function: Callable[..., Any]) -> bool:
        """Whether the function is written in the style of version 1."""

    def read_spec(
        self, function: Callable[..., Any], description: str | None, name: str | None
    ) -> ComponentSpec:
        """Read the interface of such a function."""

    def begin(self, pipeline: Pipeline) -> None:
        """Prepare a pipeline before such a function is called."""

    def finish(self, pipeline: Pipeline, config: PipelineConfig | None) -> PipelineConfig | None:
        """Complete what any pipeline's function has defined; returns the pipeline's settings."""


_hook: Version1Hook | None = None


def install(hook: Version1Hook) -> None:
    """Let `dsl.pipeline` use this hook from now on."""
    global _hook
    _hook = hook


def installed() -> Version1Hook | None:
    """The installed hook; None when there is none."""
    return _hook
