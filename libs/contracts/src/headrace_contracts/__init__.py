"""The language the services speak. Nothing here does I/O, and nothing here imports a service."""
