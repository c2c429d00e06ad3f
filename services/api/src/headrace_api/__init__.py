"""The api: accepts pipelines, experiments, runs and recurring runs, or rejects them."""
