"""Lists over HTTP: a filter grammar, sorting, and pages that survive inserts, into safe SQL."""
