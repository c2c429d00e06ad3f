"""What runs inside a step: artifact classes, annotations, and the executor of functions.

Every file of this package is part of the step package (`headrace.step_package`). Invariant: it uses
only the standard library and runs on Python 3.9 and later; what a step does not need is imported
late or not at all, because each import delays every step.
"""
