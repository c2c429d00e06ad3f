"""What a deployment does while it is broken: runs, operations, recurring runs, canaries."""
