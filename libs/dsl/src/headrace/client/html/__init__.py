"""Renders runs, comparisons and visualizations as HTML for notebooks.

Pure functions from the fields of the HTTP API to text. Values from steps are always escaped.
"""
