"""The model of pipelines: specifications of components, channels, tasks and groups of tasks.

Calls in a pipeline's function build it; `headrace.ir` compiles it.
"""
