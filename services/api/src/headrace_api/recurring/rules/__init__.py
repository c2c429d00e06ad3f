"""Pure rules of recurring runs: no I/O, no clock, no new ids."""
