"""The services behind the gateway, the object store's links and the bus."""
