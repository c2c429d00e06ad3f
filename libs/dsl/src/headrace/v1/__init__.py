"""The authoring API of Kubeflow Pipelines 1: `ContainerOp`, untyped parameters, setters of ops.

`headrace.dsl` and `headrace.components` offer its names beside those of version 2. It compiles to
the same IR and platform spec. What these do not support is refused, with an alternative to use
instead. Invariant: a pipeline that uses none of it imports only `headrace.v1.hook`.
"""
