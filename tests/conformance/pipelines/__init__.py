"""The suite's pipelines, one module for each topic; each has its rows in ``CASES``."""
