"""Scores of predictions, their uncertainty, and comparisons of runs."""

# Increase it when a number that this package returns changes: stored results are then computed again.
METRICS_VERSION = "1"
