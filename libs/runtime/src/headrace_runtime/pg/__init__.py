"""Postgres, the source of truth: plain SQL in files, units of work, an outbox and an inbox."""
