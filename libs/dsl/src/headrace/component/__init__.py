"""The entry point of lightweight components, under the name that compiled pipelines use.

Compiled pipelines contain ``import headrace.component`` and ``python3 -m headrace.component``, and
executors call `headrace.component.main.main_from_file` of whatever SDK version a step's environment
has. So this package keeps its name and its two entry points; the implementation is `headrace.step`.
"""
