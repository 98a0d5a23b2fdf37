"""What researchers keep of leaderboards: views under a name, and the run that others are compared with."""

from django.conf import settings
from django.db import models

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models.runs import Run
from mer_platform.projects.models import Project


class SavedView(models.Model):
    """The address of a leaderboard under a name. All members of the project see the same views."""

    LONGEST = 80

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=LONGEST)
    query = models.TextField(
        help_text="Filters, order, columns and groups, as the address of the page of runs states them."
    )
    is_default = models.BooleanField(
        default=False, help_text="Whether the page of runs opens with it. A project has at most one."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="unique_view_per_project"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(is_default=True), name="one_default_view_per_project"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Baseline(models.Model):
    """The run with which others of the same version and protocol are compared."""

    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="baselines")
    protocol = models.TextField(help_text="The protocol of the run, in words.")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    pinned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    pinned_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "protocol"], name="one_baseline_per_protocol")
        ]

    def __str__(self) -> str:
        return f"baseline {self.run}"


class StoredDifference(models.Model):
    """The UF1 of a run, or the mean of a configuration's seeds, minus a baseline's, computed once by ``code``.

    ``seeds`` is the SHA-256 of the ids of several runs, of which ``run`` is the first; empty for one run. ``value`` is null
    where the two cannot be paired; ``reason`` says why.
    """

    baseline = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    seeds = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=20, help_text="Version of the code that computed it.")
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["baseline", "run", "seeds", "code"], name="unique_difference_from_baseline"
            )
        ]

    def __str__(self) -> str:
        return f"{self.run} minus {self.baseline}"
