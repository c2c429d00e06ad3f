"""What every service stands on. A service imports this and the contracts, never another service."""
