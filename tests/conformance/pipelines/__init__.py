"""The suite's pipelines, one module for each topic, with its cases in ``CASES``."""
