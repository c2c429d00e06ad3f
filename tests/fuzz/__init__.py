"""Sends thousands of requests that are generated from the OpenAPI documents to a deployment.

``make fuzz`` runs for minutes, ``tests/e2e/rest/test_fuzz.py`` for a minute with a fixed seed.
"""
