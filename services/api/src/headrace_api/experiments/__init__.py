"""Experiments: creation, archiving, deletion."""
