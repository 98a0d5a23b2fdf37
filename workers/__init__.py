"""Celery workers: one module per kind of job, and what the handlers share.

A queue carries several kinds: ``features``, for one, those of features, feature sets, flow layers and exports. The workers
import the platform and the science; neither imports them.
"""
