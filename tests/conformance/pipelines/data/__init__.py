"""Data: parameters, artifacts, outputs, importers and placeholders."""
