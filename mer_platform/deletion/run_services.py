"""Deleting runs and experiments with all that belongs to them.

As with clips: rows go first, in one transaction that also notes their files, and upkeep removes these afterwards. After a
crash at any point, either everything is there, or nothing but files that are due to be removed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from mer_platform.deletion.kinds import KINDS
from mer_platform.deletion.models import Removal
from mer_platform.deletion.run_contents import RunContents
from mer_platform.deletion.services import ATTEMPTS, SETTLE_SECONDS, CannotDelete
from mer_platform.experiments.managing.shrinking import shrink
from mer_platform.experiments.models import Experiment, Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent


def delete_runs(rows: Sequence[Run | Experiment], user: Any) -> RunContents:
    """Delete runs or experiments of one project, and return what went and what stays.

    Rows whose model a scoring batch needs stay. An experiment goes with its last run. Raises CannotDelete if all of the rows
    stay, and then nothing is deleted.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _delete(rows, user)
        except (IntegrityError, OperationalError):  # a batch was started, or a run added, in the meantime
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _delete(rows: Sequence[Run | Experiment], user: Any) -> RunContents:
    _lock(rows)
    contents = RunContents.of(rows)
    if refusal := contents.refusal():
        raise CannotDelete(refusal)
    what = _described(contents)
    gone = set(contents.experiments.values_list("pk", flat=True))
    shrunk = set(contents.runs.order_by().values_list("experiment", flat=True).distinct()) - gone
    _stop_jobs_and_note_files(contents)
    # Evaluated first: they are defined by the rows that go.
    runs, experiments = list(contents.runs.values_list("pk", flat=True)), sorted(gone)
    contents.unused_ranges().delete()
    Run.objects.filter(pk__in=runs).delete()
    Experiment.objects.filter(pk__in=experiments).delete()
    for experiment in Experiment.objects.filter(pk__in=shrunk).order_by("pk"):
        shrink(experiment)
    AuditEvent.record(contents.project, user, f"deleted {what}")
    return contents


def _lock(rows: Sequence[Run | Experiment]) -> None:
    """Lock what workers write to, in their order: the experiments, then the runs."""
    ids = [row.pk for row in rows]
    runs = (
        Run.objects.filter(pk__in=ids) if isinstance(rows[0], Run) else Run.objects.filter(experiment__in=ids)
    )
    experiments = Experiment.objects.filter(pk__in=runs.order_by().values("experiment"))
    for found in (experiments, runs):
        list(found.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))


def _stop_jobs_and_note_files(contents: RunContents) -> None:
    """Delete the jobs that work for the runs alone, and note the files that only they need.

    A worker whose job is deleted stops without writing a row. It may write a file until it notices.
    """
    jobs = contents.jobs()
    running = jobs.filter(state=Job.State.RUNNING).exists()
    start = timezone.now() + timedelta(seconds=SETTLE_SECONDS if running else 0)
    names = [name for name in sorted(contents.files()) if name.partition("/")[0] in KINDS]
    Removal.objects.bulk_create(
        [Removal(name=name, not_before=start) for name in names], batch_size=1000, ignore_conflicts=True
    )
    ids = list(jobs.values_list("pk", flat=True))
    Job.objects.filter(pk__in=ids).delete()


def _described(contents: RunContents) -> str:
    """Return what is deleted, as a phrase: its name if it is one, and what goes with it."""
    rows, first = contents.rows, contents.rows[0]
    if len(rows) > 1:
        return contents.in_words()
    return f"{'run ' if isinstance(first, Run) else 'the '}{first} with {contents.in_words()}"
