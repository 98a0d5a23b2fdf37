"""``celery -A workers.app``: the platform's broker settings, with the handlers of all kinds of job registered."""

import importlib
import os
import pkgutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
# One thread per process: folds and clips are the unit of parallelism, and results do not depend on the machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402

from mer_platform.data_folder import OpenFolder, keep_private  # noqa: E402
from mer_platform.statements import limit_statements  # noqa: E402

try:
    keep_private(settings.DATA_DIR, settings.MEDIA_ROOT)
except OpenFolder as error:
    raise SystemExit(str(error)) from error
limit_statements(settings.WORKER_STATEMENT_SECONDS)

import workers  # noqa: E402
from mer_platform.jobs.broker import app  # noqa: E402

__all__ = ["app"]

# Importing a module registers the handlers and tasks in it: a new kind of job is a new module, named nowhere else.
for module in pkgutil.iter_modules(workers.__path__, "workers."):
    importlib.import_module(module.name)
