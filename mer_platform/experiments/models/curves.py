"""What is computed from probabilities once, and kept."""

from django.db import models

from mer_platform.experiments.models.runs import Run


class StoredCurves(models.Model):
    """A scored run's ROC and precision-recall curves and its calibration, computed once by the worker that finishes the run.

    They follow from the probabilities alone, and are computed again if ``code`` is not the current version of the metrics.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="stored_curves")
    code = models.CharField(max_length=20, help_text="Version of the code that computed them.")
    missing = models.TextField(
        blank=True, help_text="Why there are none, for example because other code gave classes only."
    )
    curves = models.JSONField(
        null=True, help_text="Curves, and areas overall and per database; null if missing."
    )
    calibration = models.JSONField(null=True, help_text="Bins, errors and scores; null if missing.")

    class Meta:
        verbose_name_plural = "stored curves"

    def __str__(self) -> str:
        return f"curves of {self.run}"
