"""The event history: records events, projects them onto rows, and serves them."""
