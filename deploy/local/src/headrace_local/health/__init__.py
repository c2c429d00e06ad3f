"""Whether the programs of a deployment do their work, and who is restarted when."""
