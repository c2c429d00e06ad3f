"""NATS JetStream, the transport between services. Delivery is at least once; handlers are
idempotent."""
