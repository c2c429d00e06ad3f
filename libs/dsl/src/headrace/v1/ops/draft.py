"""The draft of an op: its state until the pipeline's function has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headrace.graph.interfaces.specs import InputSpec
from headrace.v1.ops.command import Argument, ArgumentPart, InputFile


@dataclass
class Draft:
    """What `headrace.v1.ops.finish` needs to write an op's command."""

    name: str
    image: str
    command: list[Argument]
    args: list[Argument]
    env: dict[str, str]
    inputs: dict[str, Any]
    """The op's arguments by input name: channels or constants."""
    outputs: dict[str, Any]
    """The declared types of the op's outputs; None for outputs without a declared type."""
    defaults: dict[str, InputSpec] = field(default_factory=dict)
    """The inputs that have a default and no argument."""
    fixed_paths: dict[str, str] = field(default_factory=dict)
    """The fixed paths that the command writes outputs to, by output name."""
    implicit: set[str] = field(default_factory=set)
    """The outputs that every op may write without declaring them."""
    description: str | None = None

    def parts(self) -> list[ArgumentPart]:
        """The parts of all arguments of the command."""
        return [part for argument in [*self.command, *self.args] for part in argument]

    def file_only_inputs(self) -> set[str]:
        """The inputs that the command uses only as files."""
        parts = self.parts()
        as_files = {part.name for part in parts if isinstance(part, InputFile)}
        texts = " ".join(part for part in parts if isinstance(part, str))
        return {name for name in as_files if f"inputs.parameters['{name}']" not in texts}
