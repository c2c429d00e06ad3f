"""Pages of runs, tasks, artifacts and artifact uses."""
