"""Turns functions into components and pipelines: decorators, their classes, and the compiler."""
