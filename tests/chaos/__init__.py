"""A seeded harness that breaks a deployment at random and checks its promises from outside."""
