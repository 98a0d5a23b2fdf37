"""What is kept for a limited time: the networks of folds, exports and the rows of jobs that have ended."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mer_platform.deletion.services import note_unused
from mer_platform.experiments.models import FoldWeights, Run
from mer_platform.exports.models import Export, FeatureExport, PaperBundle
from mer_platform.jobs.models import Job

AT_ONCE = 500  # rows per round of upkeep


def remove_old_weights() -> int:
    """Remove networks of folds that are older than ``FOLD_WEIGHTS_DAYS``. Return their number.

    Those of starred runs and experiments stay, and those of active runs.
    """
    if settings.FOLD_WEIGHTS_DAYS <= 0:
        return 0
    until = timezone.now() - timedelta(days=settings.FOLD_WEIGHTS_DAYS)
    starred = Q(fold__run__starred=True) | Q(fold__run__experiment__starred=True)
    old = FoldWeights.objects.filter(kept_at__lt=until).exclude(starred)
    with transaction.atomic():
        rows = list(
            old.exclude(fold__run__state__in=Run.ACTIVE).order_by("pk").values_list("pk", "file")[:AT_ONCE]
        )
        FoldWeights.objects.filter(pk__in=[pk for pk, _ in rows]).delete()
        note_unused({file for _, file in rows})
    return len(rows)


def remove_old_exports() -> int:
    """Remove feature exports and paper bundles that are older than ``EXPORT_DAYS``. Return their number.

    Both can be made again.
    """
    if settings.EXPORT_DAYS <= 0:
        return 0
    until, removed = timezone.now() - timedelta(days=settings.EXPORT_DAYS), 0
    for model in (FeatureExport, PaperBundle):
        old = model.objects.exclude(state=Export.State.WAITING).filter(created_at__lt=until).order_by("pk")
        with transaction.atomic():
            rows = list(old.values_list("pk", "file")[:AT_ONCE])
            model.objects.filter(pk__in=[pk for pk, _ in rows]).delete()
            note_unused({file for _, file in rows if file})
        removed += len(rows)
    return removed


def forget_old_jobs() -> int:
    """Delete the rows of jobs that ended more than ``JOB_DAYS`` ago, with their messages. Return their number."""
    if settings.JOB_DAYS <= 0:
        return 0
    until = timezone.now() - timedelta(days=settings.JOB_DAYS)
    old = Job.objects.exclude(state__in=Job.OPEN).filter(finished_at__lt=until).order_by("finished_at")
    found = list(old.values_list("pk", flat=True)[:AT_ONCE])
    Job.objects.filter(pk__in=found).delete()
    return len(found)
