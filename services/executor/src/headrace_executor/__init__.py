"""The executor: runs attempts on a backend, and notices how each of them ends."""
