"""NATS JetStream: transport between services. Delivery is at least once; effect is once."""
