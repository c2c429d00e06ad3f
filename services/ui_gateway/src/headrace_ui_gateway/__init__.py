"""The gateway: the one public HTTP door."""
