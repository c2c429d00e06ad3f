"""Servers in memory with the promises of the real ones: Postgres, NATS JetStream, an object store.

The code of the services runs on them unchanged: its statements by their names, its JetStream
requests by their subjects. `tests/integration/memory/` runs the same tests on both kinds.
"""
