"""The exceptions of the authoring API other than `TypeError` and `ValueError`."""

from __future__ import annotations

from headrace.graph.errors import (
    InconsistentTypeException,
    InconsistentTypeWarning,
    InvalidControlFlowException,
    InvalidTopologyException,
)

__all__ = [
    "InconsistentTypeException",
    "InconsistentTypeWarning",
    "InvalidControlFlowException",
    "InvalidTopologyException",
]
