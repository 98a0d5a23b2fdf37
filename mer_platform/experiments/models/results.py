"""What is computed from predictions once, and kept."""

from django.db import models

from mer_platform.experiments.models.experiments import Experiment
from mer_platform.experiments.models.runs import Run


class StoredResults(models.Model):
    """A scored run's metrics and their intervals, computed once by the worker that finishes the run.

    They follow from the predictions alone, and are computed again if ``code`` is not the current version of the metrics.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="stored_results")
    code = models.CharField(max_length=20, help_text="Version of the code that computed them.")
    uf1 = models.FloatField(db_index=True)
    uar = models.FloatField(db_index=True)
    accuracy = models.FloatField(db_index=True)
    evaluation = models.JSONField(help_text="Scores of all samples, of each database, class and subject.")
    intervals = models.JSONField(help_text="95% intervals: overall, per database, per class.")
    predicted = models.TextField(
        help_text="The predicted class of each sample of the version, as its position in the classes; “-” if there is none."
    )

    class Meta:
        verbose_name_plural = "stored results"

    def __str__(self) -> str:
        return f"results of {self.run}"


class StoredRanking(models.Model):
    """The ranking of an experiment's configurations, which takes seconds for hundreds of them.

    ``key`` covers the ranked runs and the version of the metrics: if it is another, the ranking is made again.
    """

    experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="stored_ranking")
    key = models.CharField(max_length=64)
    runs = models.JSONField(default=list, help_text="Ids of the ranked runs, by configuration.")
    by_uf1 = models.JSONField()
    by_uar = models.JSONField()

    def __str__(self) -> str:
        return f"ranking of {self.experiment}"
