"""Runs one step: inputs in, user command, outputs out. Standard library only.

The same code serves a process of this machine and the first process of a pod's container. It holds
no credential: what it may read and write is in the launch file, as presigned URLs.
"""
