"""Requests made up from the OpenAPI documents, thousands of them, against a running deployment.

``make fuzz`` runs for minutes, ``tests/e2e/test_fuzz.py`` for a minute with a fixed seed.
"""
