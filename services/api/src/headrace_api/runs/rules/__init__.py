"""Pure rules of runs: no I/O, no clock, no new ids."""
