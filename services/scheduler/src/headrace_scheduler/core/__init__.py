"""The scheduler's pure rules: no I/O, no clock, no generated ids."""
