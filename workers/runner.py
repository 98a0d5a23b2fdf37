"""From the message "a job is due" to the end of the job: claim it, renew the lease, run its handler, record the end.

A handler does the work of one kind of job and commits its result through the claim. What it raises decides the end:
``InputError`` fails the job with its sentence; ``JobCancelled`` cancels it; ``LeaseLost`` leaves it to the worker that holds
it now. After an outage of disk or storage (``models_ml.outages``), the job waits and is tried again, as often as it takes.
After any other error, it is tried once more before it fails.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import F

from mer_platform.jobs.broker import WORK, announce, app
from mer_platform.jobs.crashes import CrashReport
from mer_platform.jobs.models import Claim, Job, JobCancelled, LeaseLost, Worker
from mer_platform.jobs.schema import newer_migrations
from mer_platform.processes import owner_name
from mer_platform.rest.request_ids import working_on
from models_ml.errors import InputError
from models_ml.outages import outage

log = logging.getLogger(__name__)

# How long one message keeps a worker at its queue. A broker made of files is polled, so that without this each of many short
# jobs would wait for the next look at the queue. Afterwards, messages of other queues are read.
STAY_SECONDS = 1.0


def _plain_subject(job: Job) -> str:
    return f"The job {job.key}"


@dataclass(frozen=True)
class Handler:
    run: Callable[[Claim], None]
    failed: Callable[[Job, str], None] | None
    subject: Callable[[Job], str] = _plain_subject


HANDLERS: dict[str, Handler] = {}
_reports: dict[int, CrashReport] = {}  # of this process, by its number: a fork has none yet


def handles(
    kind: str,
    failed: Callable[[Job, str], None] | None = None,
    subject: Callable[[Job], str] = _plain_subject,
) -> Callable[[Callable[[Claim], None]], Callable[[Claim], None]]:
    """Register the handler of one kind of job.

    Parameters
    ----------
    kind
        As ``Job.enqueue`` stores it.
    failed
        Called with the job and the reason when the job has failed for good: marks the clip, run or batch that it was
        for as failed. None where the job's own error is enough.
    subject
        Says what the job does, as the subject of a sentence: "Training ResNet (width 4)".
    """

    def register(run: Callable[[Claim], None]) -> Callable[[Claim], None]:
        if kind in HANDLERS:
            raise ValueError(
                f"Two handlers for jobs of kind {kind!r}: in {HANDLERS[kind].run.__module__} and {run.__module__}."
            )
        HANDLERS[kind] = Handler(run, failed, subject)
        return run

    return register


@app.task(name=WORK)
def work(queue: str) -> None:
    """Run the jobs that are due in a queue, for ``STAY_SECONDS``."""
    until = time.monotonic() + STAY_SECONDS
    while take_next(queue):
        if time.monotonic() >= until:
            announce(queue)  # jobs that were queued together have fewer messages than there are jobs
            return


def take_next(queue: str) -> bool:
    """Run the first due job of a queue. Return False if none was due, or if the job will be tried again."""
    close_old_connections()
    if newer := newer_migrations():
        log.warning("this worker takes no jobs: the database is newer (%s). Update and restart it", newer[-1])
        return False
    claim = Job.claim_next(queue, owner_name())
    if claim is None:
        return False
    me = Worker.objects.filter(name=owner_name())
    me.update(job=claim.job)
    try:
        with working_on(claim.job.pk, claim.job.request_id):
            return run_claimed(claim)
    finally:
        me.update(job=None)


def run_claimed(claim: Claim) -> bool:
    """Run a claimed job and record its end. Return False if the job was released, so that another process tries it."""
    job = claim.job
    log.info("job %s: %s, attempt %s", job.pk, job.key, claim.attempt)
    try:
        with Heartbeat(claim), crash_report(job):
            HANDLERS[job.kind].run(claim)
    except LeaseLost:
        log.warning("job %s: the lease was lost; its result is discarded", job.pk)
    except JobCancelled:
        claim.end(Job.State.CANCELLED)
        log.info("job %s: cancelled", job.pk)
    except InputError as error:
        if reason := outage(error):
            return postpone(claim, reason)
        fail(claim, str(error))
    except (OperationalError, InterfaceError):
        log.exception(
            "job %s: the database failed; the job will be claimed again when its lease expires", job.pk
        )
        connection.close()
    except Exception as error:
        if not Job.objects.filter(pk=job.pk).exists():
            log.warning("job %s: it was deleted with what it worked for; its result is discarded", job.pk)
            return True
        if reason := outage(error):
            return postpone(claim, reason)
        log.exception("job %s failed", job.pk)
        reason = f"Internal error in job {job.pk}. The worker's log has the details."
        if job.unexpected_errors + 1 < Job.MAX_ERRORS:
            claim.release(reason, unexpected_errors=F("unexpected_errors") + 1)
            return False
        fail(claim, reason)
    return True


def postpone(claim: Claim, reason: str) -> bool:
    """Give a job back after an outage. Return False: another process tries it later."""
    wait = claim.postpone(f"Waits: {reason}. It is tried again by itself.")
    log.warning("job %s waits %.0f s: %s", claim.job.pk, wait, reason, exc_info=True)
    return False


def fail(claim: Claim, reason: str) -> None:
    """Fail the job and the record that it worked for, with the same sentence."""
    job = claim.job
    try:
        with transaction.atomic():
            # The record comes first: a run's row is always locked before the rows of its jobs.
            if (failed := HANDLERS[job.kind].failed) is not None:
                failed(job, reason)
            if not claim.end(Job.State.FAILED, reason):
                raise LeaseLost(str(job))
    except LeaseLost:
        log.warning("job %s: the lease was lost; its failure is not recorded", job.pk)
        return
    # The reason may name files and people, so it stays in the database.
    log.warning("job %s (%s) failed; its error says why", job.pk, job.key)


def give_up(job: Job) -> None:
    """Fail a job that ended too many worker processes to be started again."""
    subject = HANDLERS[job.kind].subject(job)
    if job.crashes >= Job.MAX_CRASHES:
        reason = (
            f"{subject} crashed its worker process {job.crashes} times. Choose other settings; the worker's log "
            f"has the details under job {job.pk}."
        )
    else:
        reason = (
            f"{subject} ended its worker process {job.attempt} times. It may need more memory than there is."
        )
    fail(Claim(job), reason)


@contextmanager
def crash_report(job: Job) -> Iterator[None]:
    """Keep this process's crash report up to date while it runs the job; tests run jobs without one."""
    report = _reports.get(os.getpid())
    if report is None:
        yield
        return
    report.start(job)
    try:
        yield
    finally:
        report.end()


def open_crash_report() -> None:
    """Open this worker process's crash report, once per process."""
    _reports[os.getpid()] = CrashReport()


def close_crash_report() -> None:
    if report := _reports.pop(os.getpid(), None):
        report.close()


class Heartbeat:
    """Renews a claim's lease in a thread while the handler runs, and marks the claim when the job should stop."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            # A cancelled run should stop within an epoch, so the job is read more often than the lease requires.
            while not self._done.wait(min(2.0, settings.JOB_LEASE_SECONDS / 4)):
                try:
                    self._claim.heartbeat()
                except LeaseLost:
                    self._claim.lost = True
                    return
                except (OperationalError, InterfaceError):
                    log.warning(
                        "job %s: no heartbeat, because the database does not answer", self._claim.job.pk
                    )
                    connection.close()
        finally:
            connection.close()
