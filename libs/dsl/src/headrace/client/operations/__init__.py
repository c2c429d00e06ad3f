"""What a client can do, each once for both clients: generators of requests (see `wire`)."""
