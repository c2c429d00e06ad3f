"""Compiles pipelines and components to the IR (PipelineSpec 2.1.0) and the platform spec."""
