"""How much the platform adds to a step, measured; `make bench` runs it, `make test` does not."""
