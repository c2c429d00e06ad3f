"""Events and commands, their subjects and headers, and who may publish and read them."""
