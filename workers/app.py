"""``celery -A workers.app``: the platform's broker settings with the work registered."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")
# One thread a process: folds and clips are the unit of parallelism, and results do not depend on the machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import django  # noqa: E402

django.setup()

from mer_platform.jobs.broker import app  # noqa: E402
from workers import (  # noqa: E402
    bundles,
    demo,
    exports,
    feature_sets,
    features,
    flow_layers,
    imports,
    ingest,
    registry,
    scoring,
    spotting,
    tracking,
    training,
    upkeep,
)

__all__ = [
    "app",
    "bundles",
    "demo",
    "exports",
    "feature_sets",
    "features",
    "flow_layers",
    "imports",
    "ingest",
    "registry",
    "scoring",
    "spotting",
    "tracking",
    "training",
    "upkeep",
]
