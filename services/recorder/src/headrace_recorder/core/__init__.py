"""Pure rules of the recorder: no I/O, no clock, no generated ids."""
