"""What researchers note on runs and experiments to find them again."""

from django.db import models
from django.db.models.functions import Lower

from mer_platform.projects.models import Project


class Tag(models.Model):
    """A word that a project's researchers put on runs and experiments."""

    LONGEST = 40

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="run_tags")
    name = models.CharField(max_length=LONGEST)

    class Meta:
        ordering = [Lower("name"), "pk"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="unique_tag_per_project_in_any_case")
        ]

    def __str__(self) -> str:
        return self.name


class Managed(models.Model):
    """A run or an experiment, with what researchers note on it. All members of the project see the same."""

    tags = models.ManyToManyField(Tag, blank=True, related_name="%(class)ss")
    notes = models.TextField(blank=True)
    starred = models.BooleanField(default=False, db_index=True)
    archived_at = models.DateTimeField(
        null=True,
        blank=True,
        db_index=True,
        help_text="Lists leave out what is archived unless asked for it.",
    )

    class Meta:
        abstract = True
