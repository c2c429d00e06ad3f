"""The definition of a pipeline: Kubeflow Pipelines' IR, PipelineSpec 2.1.0."""
