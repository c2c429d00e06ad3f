"""Pure: no I/O, no clock, no new ids. What goes in decides what comes out."""
