"""What is known of predictions that other code made."""

from django.db import models

from mer_platform.experiments.models.runs import Run


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
