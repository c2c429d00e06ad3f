"""Control flow: branches, loops, exit handlers, and what comes out of them."""
