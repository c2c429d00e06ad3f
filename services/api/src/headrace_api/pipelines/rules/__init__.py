"""Pure rules of pipelines: no I/O, no clock, no new ids."""
