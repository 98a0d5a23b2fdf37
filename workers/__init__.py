"""Celery workers: one module a queue. They know the platform and the science; neither knows them."""
