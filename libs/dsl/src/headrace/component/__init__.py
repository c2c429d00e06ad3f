"""What runs inside of a step: the artifact classes, the annotations, and the executor of functions.

Invariant: the standard library alone, on Python 3.9 and later. Every step imports this package, so
nothing in it imports what a step may not need.
"""
