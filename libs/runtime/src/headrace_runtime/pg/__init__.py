"""Postgres: the truth. Plain SQL in files, one transaction a unit, an outbox and an inbox."""
