"""The processes of the platform: the Python module of each, its arguments, and the environment that all of them get."""

import os
from pathlib import Path

from django.core.management.base import CommandError

from mer_platform.jobs.broker import GPU_QUEUE, QUEUES

HOST = "127.0.0.1"
GPU_DRIVER = Path("/dev/nvidiactl")  # there where a process can use an NVIDIA GPU
POOL = "workers.pool:TaskPool"  # what -P custom is
ALONE = (
    "--without-gossip --without-mingle"  # Celery workers have nothing to tell each other: see Job.claim_next
)


def processes(port: int) -> dict[str, str]:
    """The Python module of each process, and its arguments."""
    count = number_from_environment("MER_WORKERS", os.cpu_count() or 1, 1, 1000)
    pool = f"-Q {','.join(QUEUES)} -P custom -c {count}"
    gpu = f"celery -A workers.app -q --skip-checks worker -n gpu@%h -Q {GPU_QUEUE} -P custom -c 1 {ALONE} -l INFO"
    # Beat only sends, so it need not load what the workers load.
    return {
        "web": f"gunicorn mer_platform.wsgi --bind {HOST}:{port} --worker-class gthread --workers 2 --threads 4 "
        "--preload --timeout 120 --graceful-timeout 3 --no-control-socket",
        "worker": f"celery -A workers.app -q --skip-checks worker -n worker@%h {pool} {ALONE} -l INFO",
        "upkeep": f"celery -A workers.app -q --skip-checks worker -n upkeep@%h -Q upkeep -P solo {ALONE} -l WARNING",
        "beat": "celery -A mer_platform.jobs.broker -q --skip-checks beat -l WARNING",
        **({"gpu": gpu} if GPU_DRIVER.exists() else {}),
    }


def process_environment() -> dict[str, str]:
    # The pool's processes are the parallelism: more threads in each would only compete for the same cores.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # Celery otherwise waits for the job in hand, minutes for a fold; jobs are resumable, Ctrl-C should be quick.
    return {
        **os.environ,
        **one_thread,
        "REMAP_SIGTERM": "SIGQUIT",
        "PYTHONUNBUFFERED": "1",
        "CELERY_CUSTOM_WORKER_POOL": POOL,
    }


def number_from_environment(name: str, default: int, low: int, high: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise CommandError(f"{name} is “{text}”: it must be a number from {low} to {high}.")
    return int(text)
