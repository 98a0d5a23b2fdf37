"""Crash reports: which job a worker process was running when a fatal signal ended it.

SIGABRT, SIGSEGV, SIGBUS, SIGFPE and SIGILL come from native code under the job: a corrupted heap, an instruction that the
CPU does not have. The same job crashes its next worker too, so it fails at the second crash. SIGKILL (an administrator, the
kernel when memory runs out) leaves no report; it counts only towards ``Job.MAX_ATTEMPTS``.

Each process keeps one file in ``MER_DATA_DIR/crashes`` and holds its lock. It contains the number of the current job, and
``faulthandler`` appends a traceback when the process crashes. The system releases the lock with the process; then another
process of the same host counts the crash.
"""

import faulthandler
import fcntl
import logging
import os
import re
import uuid
from pathlib import Path

from django.conf import settings
from django.db.models import F

from mer_platform.jobs.models import Job
from mer_platform.processes import host_name, owner_name

log = logging.getLogger(__name__)


class CrashReport:
    """This process's file. Open it once per process, after the fork."""

    def __init__(self) -> None:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        # A process id is used again after a restart, so it does not name the file alone.
        self._path = folder / f"{owner_name()}:{uuid.uuid4().hex}"
        hidden = folder / f".{self._path.name}"  # until it is locked
        self._file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        hidden.rename(self._path)

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
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, text: str) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, text.encode())


def count_crashes() -> int:
    """Add the crashes of this host's dead processes to their jobs, and remove the reports; return how many there were.

    A report that could not be counted, because the database does not answer, stays for the next time.
    """
    crashes = 0
    for path in _folder().glob(f"{host_name()}:*"):
        try:
            with path.open() as report:
                fcntl.flock(report, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists():  # else another process has just counted it
                    crashes += _count(path)
                    path.unlink()
        except (BlockingIOError, FileNotFoundError):
            continue  # its process is alive, or has just ended normally
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
