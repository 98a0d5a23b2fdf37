"""The kept networks of folds."""

from django.conf import settings
from django.db import models
from django.db.models import Count, Sum

from mer_platform.experiments.models.runs import Fold


def retention_in_words() -> str:
    """Return how long the networks of folds are kept, as a sentence."""
    days = settings.FOLD_WEIGHTS_DAYS
    if days <= 0:
        return "They are kept as long as their run."
    return f"They are removed after {days:g} day{'' if days == 1 else 's'}, except those of starred runs and experiments."


class FoldWeightsQuerySet(models.QuerySet["FoldWeights"]):
    def totals(self) -> tuple[int, int]:
        """Return how many there are, and their bytes."""
        found = self.aggregate(count=Count("pk"), size=Sum("size"))
        return found["count"], found["size"] or 0


class FoldWeights(models.Model):
    """The network that made a fold's predictions, as a safetensors file; its SHA-256 is ``Fold.weights_sha256``.

    Folds whose networks are equal, such as those of a run that was launched twice, have the same file.
    """

    fold = models.OneToOneField(Fold, on_delete=models.CASCADE, related_name="weights")
    file = models.CharField(max_length=200, db_index=True)
    size = models.PositiveBigIntegerField(help_text="Bytes of the file.")
    kept_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = FoldWeightsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "fold weights"

    def __str__(self) -> str:
        return f"network of {self.fold}"
