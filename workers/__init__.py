"""Celery workers: one module per kind of job, and what the handlers share.

A queue carries several kinds of job: ``features``, for example, carries features, feature sets, flow layers and exports.
The workers import the platform and the science; neither imports the workers.
"""
