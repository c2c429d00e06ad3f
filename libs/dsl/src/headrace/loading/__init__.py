"""Loads components from text, files and URLs."""
