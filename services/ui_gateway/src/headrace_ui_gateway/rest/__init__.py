"""Headrace's own API, ``/api/v1``: one module of routes for each resource."""
