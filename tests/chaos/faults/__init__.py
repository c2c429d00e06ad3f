"""What is done to a deployment, and to which of its processes."""
