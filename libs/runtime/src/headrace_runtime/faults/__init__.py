"""What an error of a store means: of Postgres, of the object store, or of the bus.

Each module names the kind of every error of one store, and does nothing else.
"""
