"""Pipelines and their versions: packages, changes, deletion."""
