"""Running an installation: backup, metrics, logs, administration."""
