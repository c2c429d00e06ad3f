"""The ``headrace`` command. The function ``main`` runs it."""

from headrace.cli.root import main

__all__ = ["main"]
