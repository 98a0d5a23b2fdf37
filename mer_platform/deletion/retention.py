"""What is kept for a limited time: the networks of folds."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mer_platform.deletion.services import note_unused
from mer_platform.experiments.models import FoldWeights, Run

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
