"""The scheduler: decides what may run next, and when a run has ended."""
