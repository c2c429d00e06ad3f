"""An op while the pipeline's function runs, before its command is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headrace.graph.specs import InputSpec
from headrace.v1.ops.command import InPath, Word


@dataclass
class Draft:
    """An op before it is settled."""

    name: str
    image: str
    command: list[Word]
    args: list[Word]
    env: dict[str, str]
    inputs: dict[str, Any]
    """Its arguments: channels, or constants."""
    outputs: dict[str, Any]
    """The declared types of its outputs; None for those that have none."""
    defaults: dict[str, InputSpec] = field(default_factory=dict)
    """The inputs that were not given, and have defaults."""
    fixed: dict[str, str] = field(default_factory=dict)
    """The paths of outputs that are always written to one place."""
    implicit: set[str] = field(default_factory=set)
    """The outputs that nobody declared, and every op may write."""
    description: str | None = None

    def path_inputs(self) -> set[str]:
        """The inputs that the command wants as files and nothing else."""
        parts = [part for word in [*self.command, *self.args] for part in word]
        wanted = {part.name for part in parts if isinstance(part, InPath)}
        texts = " ".join(part for part in parts if isinstance(part, str))
        return {name for name in wanted if f"inputs.parameters['{name}']" not in texts}
