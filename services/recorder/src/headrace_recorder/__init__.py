"""The recorder: stores the event history and serves the views that follow from it."""
