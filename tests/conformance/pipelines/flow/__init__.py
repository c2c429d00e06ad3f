"""Control flow: branches, loops, exit handlers, failures and retries."""
