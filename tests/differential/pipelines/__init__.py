"""Pipelines that are compiled with kfp and with Headrace, from one source."""
