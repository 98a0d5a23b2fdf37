"""The processes of the platform: the command line of each, and their environment."""

import os
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from mer_platform.jobs.broker import GPU_QUEUE, QUEUES, WEBHOOK_QUEUE

HOST = "127.0.0.1"
GPU_DRIVER = Path("/dev/nvidiactl")  # exists where a process can use an NVIDIA GPU
WEB_HOOKS = "python:mer_platform.serving.web_hooks"
POOL = "workers.pool:TaskPool"  # what -P custom is
WEBHOOK_THREADS = 4  # they wait most of the time
# Celery workers need not know of each other: they share the work through Job.claim_next.
ALONE = "--without-gossip --without-mingle"


def processes(port: int) -> dict[str, str]:
    """Return the Python module and the arguments of each process, by the process's name."""
    count = number_from_environment("MER_WORKERS", os.cpu_count() or 1, 1, 1000)
    pool = f"-Q {','.join(QUEUES)} -P custom -c {count}"
    gpu = f"celery -A workers.app -q --skip-checks worker -n gpu@%h -Q {GPU_QUEUE} -P custom -c 1 {ALONE} -l INFO"
    # Beat only sends messages, so it need not load the workers' libraries.
    return {
        "web": f"gunicorn mer_platform.wsgi --config {WEB_HOOKS} --bind {HOST}:{port} --worker-class gthread --workers 2 "
        f"--threads {settings.WEB_THREADS} --preload --timeout 120 --graceful-timeout 3 --no-control-socket",
        "worker": f"celery -A workers.app -q --skip-checks worker -n worker@%h {pool} {ALONE} -l INFO",
        "upkeep": f"celery -A workers.app -q --skip-checks worker -n upkeep@%h -Q upkeep -P solo {ALONE} -l WARNING",
        "webhooks": f"celery -A workers.webhook_app -q --skip-checks worker -n webhooks@%h -Q {WEBHOOK_QUEUE} "
        f"-P threads -c {WEBHOOK_THREADS} {ALONE} -l INFO",
        "beat": "celery -A mer_platform.jobs.broker -q --skip-checks beat -l WARNING",
        **({"gpu": gpu} if GPU_DRIVER.exists() else {}),
    }


def process_environment() -> dict[str, str]:
    """Return the environment of every process."""
    # One process per core is enough: more threads in each would compete for the same cores.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        **os.environ,
        **one_thread,
        "MER_STOP_AT_ONCE": "1",  # see workers/stopping.py
        "PYTHONUNBUFFERED": "1",
        "CELERY_CUSTOM_WORKER_POOL": POOL,
    }


def number_from_environment(name: str, default: int, low: int, high: int) -> int:
    """Return an environment variable's number, or the default. Raises CommandError for anything else."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise CommandError(f"{name} must be a number from {low} to {high}, not “{text}”.")
    return int(text)
