"""What is known of predictions that other code made."""

from django.conf import settings
from django.db import models

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models.runs import Run
from mer_platform.projects.models import Project


class ExternalRun(models.Model):
    """Where the predictions of an external run come from, what they declare and what of it was checked."""

    MARK = "external: protocol declared, not verified"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="external")
    declared = models.JSONField(help_text="The declared protocol: protocol, folds, train_on and test_on.")
    source = models.CharField(
        max_length=500, blank=True, help_text="Where the code is: an address, a commit or a citation."
    )
    file_name = models.CharField(max_length=255, blank=True, help_text="Empty for rows sent to the API.")
    file_sha256 = models.CharField(
        max_length=64, help_text="SHA-256 of the file, or of the rows that were sent."
    )
    content_hash = models.CharField(
        max_length=64,
        db_index=True,
        help_text="SHA-256 of name, protocol, seed, predictions and folds: the same again makes no new run.",
    )
    checked = models.JSONField(default=list, help_text="Sentences: what was checked, and what could not be.")
    remarks = models.JSONField(default=list, help_text="Sentences: what is odd about the predictions.")

    def __str__(self) -> str:
        return f"source of {self.run}"


class PredictionUpload(models.Model):
    """Predictions that were read and checked. They become a run when the upload is confirmed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prediction_uploads")
    version = models.ForeignKey(CompositeVersion, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    declared = models.JSONField()
    protocol = models.TextField(help_text="The declared protocol in words.")
    seed = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=500, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    file_sha256 = models.CharField(max_length=64)
    content_hash = models.CharField(max_length=64)
    rows = models.JSONField(
        help_text="Of each sample: number, predicted class as its position, probabilities or null, fold."
    )
    problems = models.JSONField(default=list)
    checked = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def has_errors(self) -> bool:
        return any(problem["severity"] == "error" for problem in self.problems)
