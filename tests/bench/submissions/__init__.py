"""Benchmarks, such as the overhead of a step. `make bench` runs them; `make test` does not."""
