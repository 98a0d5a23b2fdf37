"""Deleting a clip, flow picture, subject, database or project, with all that belongs to it.

Rows go first, in one transaction that also notes their files (``Removal``). Upkeep removes the files afterwards, unless a
row of another clip or project refers to the same content. After a crash at any point, no row is without its file.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.core.files.storage import default_storage
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.composites.models import Composite
from mer_platform.deletion.contents import Contents, Target
from mer_platform.deletion.kinds import KINDS, kind_of
from mer_platform.deletion.models import Removal
from mer_platform.experiments.models import Experiment, Run
from mer_platform.imports.services import cancel
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import finish_if_done
from mer_platform.storage import stored_names

log = logging.getLogger(__name__)

ATTEMPTS = 3
# A file this young is left alone for now: an upload of the same bytes may have found it, and not saved its row yet; and a
# cancelled job may still write one.
SETTLE_SECONDS = 120
AT_ONCE = 200  # entries whose use is looked up together


class CannotDelete(Exception):
    """Results refer to what should be deleted. The text says which."""


def delete(target: Target, user: Any) -> Contents:
    """Delete the target and return what went with it. Raises CannotDelete, and then nothing is deleted."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                contents = Contents.of(target)
                _delete(contents, user)
                return contents
        except (IntegrityError, OperationalError):  # a worker or a page has added a row in the meantime
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def note_unused(names: Iterable[str], seconds: float = 0) -> None:
    """Let upkeep remove these stored files, in ``seconds`` at the earliest, unless rows refer to them by then.

    A worker that notes a file before it stores it leaves no orphan, even if it is killed before it saves the row.
    """
    start = timezone.now() + timedelta(seconds=seconds)
    removals = [Removal(name=name, not_before=start) for name in names]
    Removal.objects.bulk_create(removals, ignore_conflicts=True)


def note_used(names: Iterable[str]) -> None:
    """Forget that these files should be removed; call in the transaction that saves the rows that refer to them."""
    Removal.objects.filter(name__in=list(names)).delete()


def remove_files(seconds: float = 5.0) -> int:
    """Remove files of deleted rows from the storage, for about so many seconds. Return the number of files removed."""
    until = time.monotonic() + seconds
    removed = 0
    while time.monotonic() < until:
        due = list(Removal.objects.filter(not_before__lte=timezone.now()).order_by("name")[:AT_ONCE])
        if not due:
            break
        for _, group in groupby(due, key=lambda removal: kind_of(removal.name)):
            removed += _remove(list(group))
    return removed


def _delete(contents: Contents, user: Any) -> None:
    target, project = contents.target, contents.project
    if refusal := contents.refusal():
        raise CannotDelete(refusal)
    name = str(target)
    what = name if isinstance(target, Clip) else f"the {target._meta.verbose_name} {name}"
    if not isinstance(target, Clip | FlowPicture):
        what += f" with {contents.in_words()}"
    if isinstance(target, Project):
        _lock_all(target)
    else:
        cancel_jobs(contents, user)
        list(contents.clips.select_for_update().order_by("pk").values_list("pk", flat=True))
        if refusal := contents.refusal():  # frozen while this waited for the locks
            raise CannotDelete(refusal)
    note_files(contents)
    if isinstance(target, Project):
        _delete_project(target)
        log.warning("%s deleted %s (%s)", user, what, target.slug)
        return
    delete_scores(contents)
    contents.clips.delete()
    contents.pictures.delete()
    if not isinstance(target, Clip | FlowPicture):
        type(target)._default_manager.filter(
            pk=target.pk
        ).delete()  # the object keeps its id for another attempt
    AuditEvent.record(project, user, f"deleted {what}")


def _lock_all(project: Project) -> None:
    """Lock what workers write to, in their order: experiments, runs, jobs. Then the project, to which new rows refer."""
    locked: Sequence[Any] = (
        Experiment.objects.filter(project=project),
        Run.objects.filter(project=project),
        Job.objects.filter(project=project, state__in=Job.OPEN),
        Project.objects.filter(pk=project.pk),
    )
    for rows in locked:
        list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))


def _delete_project(project: Project) -> None:
    """Delete what results refer to after the results; the rest follows the project. Workers lose their jobs."""
    ScoringBatch.objects.filter(project=project).delete()
    Experiment.objects.filter(project=project).delete()
    Composite.objects.filter(project=project).delete()
    Clip.objects.filter(project=project).delete()
    FlowPicture.objects.filter(subject__database__project=project).delete()
    Project.objects.filter(pk=project.pk).delete()


def cancel_jobs(contents: Contents, user: Any) -> None:
    """Cancel the jobs of the clips, and the imports that would add to a deleted database."""
    for batch in contents.running_imports():
        cancel(batch, user)
    Job.cancel(Job.objects.filter(pk__in=[job.pk for job in contents.clip_jobs()]))


def delete_scores(contents: Contents) -> None:
    """Delete the scores of the clips, and the batches that have no other clips; end those without waiting ones."""
    scores = ScoringItem.objects.filter(clip__in=contents.clips)
    ids = list(scores.order_by().values_list("batch", flat=True).distinct())
    batches = list(ScoringBatch.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    scores.delete()
    empty = set(ScoringBatch.objects.filter(pk__in=ids, items__isnull=True).values_list("pk", flat=True))
    for batch in batches:
        if batch.pk in empty:
            Job.cancel_group(batch.group)
            batch.delete()
        else:
            finish_if_done(batch)


def note_files(contents: Contents) -> None:
    holdings = contents.holdings()
    names = {needed.entry for kind in KINDS.values() for needed in kind.needed(holdings)}
    # A cancelled job may write files until it notices.
    start = timezone.now() + timedelta(seconds=SETTLE_SECONDS if contents.has_running_jobs() else 0)
    Removal.objects.bulk_create(
        [Removal(name=name, not_before=start) for name in sorted(names) if name.partition("/")[0] in KINDS],
        batch_size=1000,
        ignore_conflicts=True,
    )


def _remove(removals: list[Removal]) -> int:
    """Remove the files of entries of one kind; entries with young files wait. Return the number of files removed."""
    used = kind_of(removals[0].name).used([removal.name for removal in removals])
    removed, done = 0, []
    for removal in removals:
        waits = False
        for name in () if removal.name in used else _files_of(removal.name):
            if is_young(name, SETTLE_SECONDS):
                waits = True
            else:
                default_storage.delete(name)
                removed += 1
        if not waits:
            done.append(removal.pk)
    Removal.objects.filter(pk__in=done).delete()
    later = timezone.now() + timedelta(seconds=SETTLE_SECONDS)
    Removal.objects.filter(pk__in=[removal.pk for removal in removals]).update(not_before=later)
    return removed


def _files_of(entry: str) -> Iterable[str]:
    """Return the stored files that an entry stands for."""
    if not entry.endswith("*"):
        return [entry] if default_storage.exists(entry) else []
    start = entry.removesuffix("*")
    return [name for name in stored_names(start.rpartition("/")[0]) if name.startswith(start)]


def is_young(name: str, seconds: float) -> bool:
    """Return whether a stored file was written, or found by an upload of the same bytes, less than so long ago."""
    try:
        return default_storage.get_modified_time(name) > timezone.now() - timedelta(seconds=seconds)
    except FileNotFoundError:
        return False
