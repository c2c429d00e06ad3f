"""Runs one step: inputs in, user command, outputs out. Standard library only.

The same code runs as a process of a machine and as the first process of a container. It holds no
credential: what it may read and write is in the launch file, as presigned URLs.
"""
