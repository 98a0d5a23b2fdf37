"""What the settings of an experiment do, computed once."""

from django.db import models

from mer_platform.experiments.models.experiments import Experiment


class StoredEffects(models.Model):
    """The effect of each setting of an experiment on UF1 and UAR, which takes seconds for hundreds of configurations.

    ``key`` covers the averaged runs, their settings and the versions of the code: if it is another, they are computed again.
    """

    experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="stored_effects")
    key = models.CharField(max_length=64)
    by_uf1 = models.JSONField()
    by_uar = models.JSONField()

    class Meta:
        verbose_name_plural = "stored effects"

    def __str__(self) -> str:
        return f"effects of {self.experiment}"
