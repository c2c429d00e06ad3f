"""The cost of authoring."""
