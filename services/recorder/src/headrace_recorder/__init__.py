"""The recorder: keeps what happened, and answers questions about it."""
