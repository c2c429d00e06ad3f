"""Pure rules of authentication: no I/O, no clock."""
