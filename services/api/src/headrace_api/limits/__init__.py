"""Limits on how many runs of a namespace or a pipeline are active at one time."""
