"""Control flow: branches, loops, exit handlers, and their outputs."""
