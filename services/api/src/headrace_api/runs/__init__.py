"""Runs: submission, operations on accepted runs, and retention."""
