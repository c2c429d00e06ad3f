"""The places where attempts run, behind one port."""
