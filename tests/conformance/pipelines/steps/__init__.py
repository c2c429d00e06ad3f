"""Steps: commands, containers, logs, caching, workspaces and platform settings."""
