"""Deletion of what deleted runs leave."""
