"""The promises, each as a function over what was observed."""
