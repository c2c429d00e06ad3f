"""Recurring runs: definitions, and the ticker that submits due runs."""
