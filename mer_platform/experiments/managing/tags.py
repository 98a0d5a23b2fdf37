"""The tags of a project: found, created, renamed, merged and deleted."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Lower

from mer_platform.experiments.managing.texts import clean_tag
from mer_platform.experiments.models import Experiment, Run, Tag
from mer_platform.projects.models import AuditEvent, Project

MOST_OF_PROJECT = 500
SHOWN = 5


class TagExists(ValidationError):
    """The project has a tag of this name already: ``tag``."""

    def __init__(self, tag: Tag) -> None:
        super().__init__(f"There is already a tag “{tag}”. Choose another name, or merge the two tags.")
        self.tag = tag


def tags_with_counts(project: Project | None = None) -> "QuerySet[Tag]":
    """Return the tags of a project, or all, by name, with how many runs and experiments each is on."""
    tags = Tag.objects.all() if project is None else Tag.objects.filter(project=project)
    counts = {
        "run_count": Count("runs", distinct=True),
        "experiment_count": Count("experiments", distinct=True),
    }
    return tags.annotate(**counts).order_by(Lower("name"), "pk")


def project_tags(project: Project) -> list[str]:
    """Return the names of the project's tags."""
    return [tag.name for tag in Tag.objects.filter(project=project)]


def find_or_create(project: Project, names: Sequence[str]) -> list[Tag]:
    """Return the project's tags of these clean names, in any case; new ones are created.

    Raises ValidationError if the project would have too many tags. Call it in a transaction.
    """
    Project.objects.select_for_update(no_key=True).get(
        pk=project.pk
    )  # one writer at a time: no tag is created twice
    known = {tag.name.casefold(): tag for tag in Tag.objects.filter(project=project)}
    new = [name for name in names if name.casefold() not in known]
    if len(known) + len(new) > MOST_OF_PROJECT:
        raise ValidationError(
            f"A project has at most {MOST_OF_PROJECT} tags. Delete or merge some of its {len(known)} tags first."
        )
    for name in new:
        known[name.casefold()] = Tag.objects.create(project=project, name=name)
    return [known[name.casefold()] for name in names]


def rename_tag(tag: Tag, name: str, user: Any) -> bool:
    """Rename a tag. Return False if it has this name. Raises TagExists, or what ``clean_tag`` raises."""
    name = clean_tag(name)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=tag.project_id)
        before = tag.name
        if name == before:
            return False
        for other in Tag.objects.filter(project=tag.project_id).exclude(pk=tag.pk):
            if other.name.casefold() == name.casefold():
                raise TagExists(other)
        tag.name = name
        tag.save(update_fields=["name"])
        AuditEvent.record(tag.project, user, f"renamed the tag “{before}” to “{name}”")
    return True


def merge_tags(tag: Tag, into: Tag, user: Any) -> None:
    """Replace a tag by another one of its project on all that has it, and delete it. Raises ValidationError."""
    if tag.pk == into.pk:
        raise ValidationError("Choose another tag to merge this one into.")
    if tag.project_id != into.project_id:
        raise ValidationError(f"The tags “{tag}” and “{into}” belong to different projects.")
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=tag.project_id)
        for model in (Run, Experiment):
            links = model.tags.through._default_manager
            column = f"{model._meta.model_name}_id"
            there = links.filter(tag=into).values(column)
            links.filter(tag=tag).exclude(**{f"{column}__in": there}).update(tag=into)
        AuditEvent.record(tag.project, user, f"merged the tag “{tag}” into “{into}”")
        Tag.objects.filter(pk=tag.pk).delete()


def delete_tag(tag: Tag, user: Any) -> None:
    """Delete a tag, which removes it from all runs and experiments. These stay."""
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=tag.project_id)
        AuditEvent.record(tag.project, user, f"deleted the tag “{tag}”")
        Tag.objects.filter(pk=tag.pk).delete()


def tag_words(names: Sequence[str]) -> str:
    """Return tags as a phrase: “a”, “b” and 3 more."""
    quoted = [f"“{name}”" for name in names[:SHOWN]]
    if more := len(names) - SHOWN:
        quoted = [*quoted, f"{more} more"] if more > 0 else quoted
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)
