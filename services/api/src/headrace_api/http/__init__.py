"""What the routes share: parameters, lists, and idempotent creation."""
