"""What happened in a simulation, in order, and what of it matters for a violation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

_FAULTS_BEFORE = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: float
    who: str
    what: str
    is_fault: bool = False

    def __str__(self) -> str:
        mark = "!" if self.is_fault else " "
        return f"{self.at:9.4f} {mark} {self.who:24} {self.what}"


@dataclass(slots=True)
class Trace:
    """Every line."""

    lines: list[Line] = field(default_factory=list)

    def excerpt(self, about: Collection[str], most: int = 60) -> str:
        """The lines about these things, and the faults, from the first such line on."""
        told = [any(word in f"{line.who} {line.what}" for word in about) for line in self.lines]
        first = told.index(True) if True in told else 0
        last = len(told) - told[::-1].index(True) if True in told else len(told)
        kept = [
            line
            for line, is_told in zip(self.lines[first:last], told[first:last], strict=True)
            if is_told or line.is_fault or not about
        ]
        kept = [line for line in self.lines[:first] if line.is_fault][-_FAULTS_BEFORE:] + kept
        omitted = len(kept) - most
        head = [f"  ({omitted} lines before)"] if omitted > 0 else []
        return "\n".join([*head, *map(str, kept[-most:])])
