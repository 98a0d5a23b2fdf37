"""From a message "something is due" to a finished job: claim, heartbeat, work, and an honest end whatever happens.

A handler does the work of one kind of job and commits its result through the claim. What it raises decides the end:
``InputError`` fails the job with that sentence, ``JobCancelled`` cancels it, ``LeaseLost`` leaves it to whoever has it,
and anything else is tried once more before it fails.
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

from mer_platform.jobs.broker import WORK, app
from mer_platform.jobs.crashes import CrashReport
from mer_platform.jobs.models import Claim, Job, JobCancelled, LeaseLost, Worker
from mer_platform.jobs.processes import owner_name
from models_ml.errors import InputError

log = logging.getLogger(__name__)

GO_ON_SECONDS = 1.0


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
                f"two handlers for jobs of kind {kind!r}: {HANDLERS[kind].run.__module__} and {run.__module__}"
            )
        HANDLERS[kind] = Handler(run, failed, subject)
        return run

    return register


@app.task(name=WORK)
def work(queue: str) -> None:
    """Do what is due in a queue, for a moment: then other queues' messages are heard as well.

    A broker made of files is looked at five times a second; a short job should not wait for that.
    """
    until = time.monotonic() + GO_ON_SECONDS
    while take_next(queue) and time.monotonic() < until:
        pass


def take_next(queue: str) -> bool:
    """Do the job of the queue that should go first. False where nothing was due, or the job is to be tried once more."""
    close_old_connections()
    claim = Job.claim_next(queue, owner_name())
    if claim is None:
        return False
    me = Worker.objects.filter(name=owner_name())
    me.update(job=claim.job)
    try:
        return do(claim)
    finally:
        me.update(job=None)


def do(claim: Claim) -> bool:
    """Do a claimed job and end it, whatever happens. False where it was given back: rather to another process."""
    job = claim.job
    log.info("job %s: %s, attempt %s", job.pk, job.key, claim.attempt)
    try:
        with Heartbeat(claim), crash_report(job):
            HANDLERS[job.kind].run(claim)
    except LeaseLost:
        log.warning("job %s: the lease was lost; nothing more is written", job.pk)
    except JobCancelled:
        claim.end(Job.State.CANCELLED)
        log.info("job %s: cancelled", job.pk)
    except InputError as error:
        fail(claim, str(error))
    except (OperationalError, InterfaceError):
        log.exception("job %s: the database failed; the job is taken up again when its lease ends", job.pk)
        connection.close()
    except Exception as error:
        log.exception("job %s failed", job.pk)
        reason = f"Internal error ({type(error).__name__}: {error}); the worker's log has the details under job {job.pk}."
        if not job.error:  # an attempt that ended with its worker leaves no reason
            claim.release(reason)
            return False
        fail(claim, reason)
    return True


def fail(claim: Claim, reason: str) -> None:
    """The job and what it was for end together, with the same sentence."""
    job = claim.job
    try:
        with transaction.atomic():
            # What the job was for comes first: a run's row is always locked before its jobs' rows.
            if (failed := HANDLERS[job.kind].failed) is not None:
                failed(job, reason)
            if not claim.end(Job.State.FAILED, reason):
                raise LeaseLost(str(job))
    except LeaseLost:
        log.warning("job %s: the lease was lost; its failure is not recorded", job.pk)
        return
    log.warning("job %s failed: %s", job.pk, reason)


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
    """Renews a claim's lease from a thread while the work runs, and brings back whether to stop."""

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
            # A cancelled run should stop within an epoch, so this looks more often than the lease needs.
            while not self._done.wait(min(2.0, settings.JOB_LEASE_SECONDS / 4)):
                try:
                    self._claim.heartbeat()
                except LeaseLost:
                    self._claim.lost = True
                    return
                except (OperationalError, InterfaceError):
                    log.warning("heartbeat of job %s: the database does not answer", self._claim.job.pk)
                    connection.close()
        finally:
            connection.close()
