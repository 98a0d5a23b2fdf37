"""The Django project: what is stored and what the web shows."""
