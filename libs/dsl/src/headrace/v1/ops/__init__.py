"""Ops, the tasks of version 1: their interface, and their compilation to ordinary tasks."""
