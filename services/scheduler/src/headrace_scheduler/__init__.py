"""The scheduler: decides which tasks run next, and when a run has ended."""
