"""The operations of both clients, as generators of requests (see `transport.requests`)."""
