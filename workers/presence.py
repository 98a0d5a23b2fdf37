"""The list of worker processes: each process keeps its own row up to date while it lives."""

import logging
import os
import resource
import socket
import threading
from pathlib import Path
from typing import Any

import torch
from celery import signals
from django.db import DatabaseError, InterfaceError, connection

from mer_platform.jobs import clock
from mer_platform.jobs.broker import GPU_QUEUE, app
from mer_platform.jobs.crashes import count_crashes
from mer_platform.jobs.models import Worker
from mer_platform.processes import owner_name
from workers.runner import close_crash_report, open_crash_report

log = logging.getLogger(__name__)
INTERVAL_SECONDS = Worker.SEEN_SECONDS / 4


@signals.worker_process_init.connect
def begin(**_: Any) -> None:
    """Start in each process of a pool, after the fork."""
    try:
        count_crashes()  # of the process that this one replaces
    except (DatabaseError, InterfaceError):
        log.warning("the database does not answer; crashes are counted later")
    finally:
        connection.close()
    open_crash_report()
    threading.Thread(target=_keep_registered, name="presence", daemon=True).start()


@signals.worker_process_shutdown.connect
def leave(**_: Any) -> None:
    """Remove the row when the process ends normally."""
    close_crash_report()
    try:
        Worker.objects.filter(name=owner_name()).delete()
    except (DatabaseError, InterfaceError):
        log.warning("the database does not answer; upkeep will remove this worker from the list")


def register(queues: list[str]) -> None:
    """Record that this process is alive and takes jobs of ``queues``."""
    state = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "device": device_name() if GPU_QUEUE in queues else "cpu",
        "queues": queues,
        "usage": usage(),
        "last_seen": clock.read(),
    }
    Worker.objects.update_or_create(name=owner_name(), defaults=state)


def usage() -> dict[str, float]:
    """Return what this process uses: bytes of memory, seconds of processor time, and bytes of the GPU's memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found: dict[str, float] = {
        "memory_bytes": _resident_bytes() or used.ru_maxrss * 1024,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    }
    if torch.cuda.is_initialized():
        found["gpu_memory_bytes"] = torch.cuda.memory_reserved()
    return found


def _resident_bytes() -> int:
    """Return the bytes of memory in use now; 0 where the system does not say it."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def device_name() -> str:
    """Return the name of the GPU, or "cpu"."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _keep_registered() -> None:
    queues = sorted(app.amqp.queues.consume_from)
    pause = threading.Event()
    while True:
        try:
            register(queues)
        except (DatabaseError, InterfaceError):
            log.warning("the database does not answer; this worker is not listed until it does")
        finally:
            connection.close()
        pause.wait(INTERVAL_SECONDS)
