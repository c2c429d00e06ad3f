"""The latency of submissions under load."""
