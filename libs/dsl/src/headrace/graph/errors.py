"""Exceptions of the authoring API other than `TypeError` and `ValueError`."""

from __future__ import annotations


class InconsistentTypeException(Exception):
    """A value has another type than the input or output that it is used for."""


class InconsistentTypeWarning(Warning):
    """Two types differ, and the check was requested to only warn."""


class InvalidControlFlowException(Exception):
    """A branch is misplaced, such as an Else without an If."""


class InvalidTopologyException(Exception):
    """A task uses an output of a task in a group that it has no access to."""
