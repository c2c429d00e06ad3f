"""The executor: runs attempts on a backend, and reports how each of them ends."""
