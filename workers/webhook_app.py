"""``celery -A workers.webhook_app``: sends webhooks, and loads no library that computes.

Its threads wait for other programs most of the time. In a worker that computes, a receiver that does not answer would
hold a core for ten seconds.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402

from mer_platform.data_folder import OpenFolder, keep_private  # noqa: E402
from mer_platform.statements import limit_statements  # noqa: E402

try:
    keep_private(settings.DATA_DIR, settings.MEDIA_ROOT)
except OpenFolder as error:
    raise SystemExit(str(error)) from error
limit_statements(settings.WORKER_STATEMENT_SECONDS)

from mer_platform.jobs.broker import app  # noqa: E402
from workers import experiment_ends, stopping, webhooks  # noqa: E402

__all__ = ["app", "experiment_ends", "stopping", "webhooks"]
