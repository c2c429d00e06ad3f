"""What all routes of ``/api/v1`` share: reading requests, writing responses."""
