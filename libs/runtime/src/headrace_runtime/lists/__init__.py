"""Lists over HTTP: filters, sorting and stable pages, translated into safe SQL."""
