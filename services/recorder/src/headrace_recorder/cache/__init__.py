"""Why a task was, or was not, taken from the cache."""
