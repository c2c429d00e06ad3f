"""Runs and tasks: their rows in Postgres, their resources, and their routes."""
