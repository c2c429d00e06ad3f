"""Authoring as it was in Kubeflow Pipelines 1: `ContainerOp`, plain parameters, setters on ops.

`headrace.dsl` and `headrace.components` give its names beside those of version 2. It compiles to
the same IR and platform spec; what they cannot say is refused, with what to write instead.
Invariant: nothing here is imported by a pipeline that uses none of it.
"""
