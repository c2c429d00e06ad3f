"""What the authoring API raises beside `TypeError` and `ValueError`."""

from __future__ import annotations


class InconsistentTypeException(Exception):
    """A value was given to an input, or returned as an output, of another type."""


class InconsistentTypeWarning(Warning):
    """Two types differ, and the check was asked to warn only."""


class InvalidControlFlowException(Exception):
    """A branch stands where no branch can stand, such as an Else without an If."""


class InvalidTopologyException(Exception):
    """A task uses what another task makes in a place that it cannot see."""
