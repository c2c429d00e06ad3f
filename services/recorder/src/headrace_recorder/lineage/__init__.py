"""Which task made and used which artifact, and download links."""
