"""Crash reports: which job a worker process was running when a fatal signal ended it.

SIGABRT, SIGSEGV, SIGBUS, SIGFPE and SIGILL come from native code under the job: a corrupted heap, an instruction that the
CPU does not have. The same job crashes its next worker too, so it fails at the second crash. SIGKILL (an administrator, the
kernel when memory runs out) leaves no report; it counts only towards ``Job.MAX_ATTEMPTS``.

Each process keeps one file in ``MER_DATA_DIR/crashes``, named after itself. It holds the number of the current job, and
``faulthandler`` appends a traceback when the process crashes. Another process of the same host reads it.
"""

import faulthandler
import logging
import os
import re
import socket
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F

from mer_platform.jobs.models import Job
from mer_platform.jobs.processes import is_alive, owner_name

log = logging.getLogger(__name__)


class CrashReport:
    """This process's file. Open it once per process, after the fork."""

    def __init__(self) -> None:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / owner_name(), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def start(self, job: Job) -> None:
        """Note the current job, and report a crash from now on."""
        self._write(f"{job.pk}\n")
        faulthandler.disable()
        # Only now: Celery's pool installs its own handler of SIGABRT after the fork, which would replace this one.
        faulthandler.enable(self._file)

    def end(self) -> None:
        """Note that there is no current job."""
        faulthandler.disable()
        self._write("")

    def close(self) -> None:
        """Remove the file; the process ends normally."""
        os.close(self._file)
        (_folder() / owner_name()).unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, text.encode())


def count_crashes() -> int:
    """Add the crashes of this host's dead processes to their jobs, and remove the reports; return how many there were."""
    crashes = 0
    for path in _folder().glob(f"{socket.gethostname()}:*"):
        pid = path.name.rpartition(":")[2]
        # A process id may be reused after a restart: then the dead process's report is under this process's name.
        if not pid.isdigit() or (is_alive(int(pid)) and path.name != owner_name()):
            continue
        taken = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.rename(taken)  # two processes may count at once: only one of them can rename
        except FileNotFoundError:
            continue
        try:
            crashes += _count(taken)
        except DatabaseError:
            taken.rename(path)  # counted when the database answers again
            raise
        taken.unlink()
    return crashes


def _count(report: Path) -> int:
    job, _, traceback = report.read_text(errors="replace").partition("\n")
    if not job.isdigit() or not traceback.strip():
        return 0
    found = re.search(r"Fatal Python error: (.*)", traceback)
    reason = found[1] if found else "a fatal signal"
    log.error("job %s crashed its worker process (%s):\n%s", job, reason, traceback)
    return Job.objects.filter(pk=int(job), state__in=Job.OPEN).update(crashes=F("crashes") + 1)


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "crashes"
