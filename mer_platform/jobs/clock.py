"""The one clock by which leases are granted and expire, so that a machine with a wrong clock can neither steal nor block.

On PostgreSQL it is the database's. SQLite has none of its own, and all of its processes run on one machine: there, the clock
starts once per boot and counts the kernel's uptime, which no one sets, while the time of day may jump.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone

from mer_platform.processes import boot_id


def now(seconds: float = 0) -> Any:
    """Return the time in so many seconds, to filter and update by: an expression of the database, or a ``datetime``."""
    delay = timedelta(seconds=seconds)
    if connection.vendor == "sqlite":
        return read() + delay
    return ExpressionWrapper(Now() + delay, output_field=DateTimeField()) if seconds else Now()


def read() -> datetime:
    """Return the current time of this clock."""
    if connection.vendor == "sqlite":
        return datetime.fromtimestamp(_boot_time(str(settings.DATA_DIR)) + _uptime(), UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def stamp() -> Any:
    """Return the time of day to show, for updates: the database's if it has a clock, else this process's."""
    return timezone.now() if connection.vendor == "sqlite" else Now()


def _uptime() -> float:
    """Return the seconds since the machine started; the time of day where the system does not say."""
    counter = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if counter is None else time.clock_gettime(counter)


@cache
def _boot_time(folder: str) -> float:
    """Return when the machine started, as the first process of this boot saw it: the same for all processes."""
    boot = boot_id()
    if not boot or not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    file = Path(folder) / f"clock-{boot}"
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(repr(time.time() - _uptime()))
    try:
        os.link(part, file)  # fails if another process was first; readers see all of the text or no file
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)
    for old in file.parent.glob("clock-*"):
        if old != file:
            old.unlink(missing_ok=True)
    return float(file.read_text())
