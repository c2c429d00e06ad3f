"""The entry points `main` (``python3 -m headrace.component``) and `main_from_file` (executors)."""

from headrace.step.main import main, main_from_file

__all__ = ["main", "main_from_file"]
