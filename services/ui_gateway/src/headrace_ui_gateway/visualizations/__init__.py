"""Pure conversion of artifacts into visualizations."""
