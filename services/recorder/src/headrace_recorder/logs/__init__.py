"""The logs of tasks."""
