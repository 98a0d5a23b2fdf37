"""Freezing a composite version."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from mer_platform.clips.models import Database
from mer_platform.composites.draft import draft
from mer_platform.composites.labelmaps import check_label_map
from mer_platform.composites.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    Composite,
    CompositeVersion,
    Sample,
    content_hash,
)
from mer_platform.composites.rules import parse_rules
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor

RECIPE = ("label_map", "preset", "rules")


class NameTaken(ValidationError):
    """The project has another composite of this name."""

    def __init__(self, other: Composite) -> None:
        super().__init__(
            {"name": f"The project already has a composite “{other.name}”. Choose another name."}
        )
        self.other = other


def freeze(
    project: Project,
    name: str,
    databases: Sequence[Database],
    label_map: Any,
    user: Any,
    *,
    preset: str = "",
    rules: Any = None,
) -> CompositeVersion:
    """Freeze the next version of the composite ``name``, or return the latest version if nothing changed.

    Raises ValidationError by field (name, databases, label_map, preset, rules) if a value is wrong, or if the version
    would have no samples or only one subject.
    """
    if not name.strip():
        raise ValidationError({"name": "Enter a name for the composite."})
    if not databases:
        raise ValidationError({"databases": "Choose at least one database."})
    checked, kept = check_label_map(label_map, databases, preset), parse_rules(rules)
    built = draft(databases, checked, kept, preset)
    if not built.samples:
        raise ValidationError(
            {
                "databases": "These databases have no complete annotation that the label map and the rules include."
            }
        )
    if len({s.subject_key for s in built.samples}) < 2:
        raise ValidationError(
            {
                "databases": "All samples are of one subject. Leave-one-subject-out needs at least two subjects."
            }
        )
    return store(
        project,
        name,
        built.samples,
        user,
        label_map=checked,
        preset=preset,
        rules=kept.stored(),
        list_check=built.list_check,
    )


def store(
    project: Project, name: str, samples: Sequence[Sample], user: Any, **recipe: Any
) -> CompositeVersion:
    """Store the next version of ``name`` with these samples, or return the latest version if nothing changed.

    ``recipe``: label_map, preset, rules, and list_check, which follows from the samples and the others.
    """
    digest = content_hash(samples)
    made_by = {field: recipe[field] for field in RECIPE}
    with transaction.atomic():
        composite, _ = Composite.objects.get_or_create(project=project, name=name.strip()[:LONGEST_NAME])
        composite = Composite.objects.select_for_update().get(pk=composite.pk)  # two clicks make one version
        latest = composite.versions.order_by("-number").first()
        if latest is not None and latest.content_hash == digest and _recipe(latest) == made_by:
            return latest
        composite.last_number += 1  # also counts versions that were deleted: papers may name them
        composite.save(update_fields=["last_number"])
        version = CompositeVersion.objects.create(
            composite=composite,
            number=composite.last_number,
            content_hash=digest,
            frozen_by=actor(user),
            **recipe,
        )
        for sample in samples:
            sample.version = version
        Sample.objects.bulk_create(samples)
        AuditEvent.record(project, user, f"froze {version} ({len(samples)} samples, {digest[:12]})")
    return version


def change(
    composite: Composite, user: Any, *, name: str | None = None, description: str | None = None
) -> Composite:
    """Give a composite another name or description; what is None stays. Return the composite as it is now.

    Its versions keep their numbers and hashes. Raises ValidationError by field for a text that is empty or too long, and
    NameTaken.
    """
    with transaction.atomic():
        composite = Composite.objects.select_for_update().get(pk=composite.pk)
        before, done = composite.name, []
        if name is not None and (name := _checked("name", name, LONGEST_NAME)) != before:
            composite.name = name
            done.append(f"renamed the composite “{before}” to “{name}”")
        if description is not None:
            description = _checked("description", description, LONGEST_DESCRIPTION)
            if description != composite.description:
                composite.description = description
                done.append(f"{'described' if description else 'removed the description of'} {composite}")
        try:
            with transaction.atomic():
                composite.save(update_fields=["name", "description"])
        except IntegrityError as error:
            raise NameTaken(Composite.objects.get(project=composite.project_id, name=name)) from error
        for action in done:
            AuditEvent.record(composite.project, user, action)
    return composite


def _checked(field: str, text: str, longest: int) -> str:
    """Return the text without space around it. Raises ValidationError."""
    text = text.replace("\r\n", "\n").strip()
    if field == "name" and not text:
        raise ValidationError({field: "A name must not be empty."})
    if len(text) > longest:
        raise ValidationError(
            {field: f"A {field} has at most {longest:,} characters; this one has {len(text):,}."}
        )
    return text


def _recipe(version: CompositeVersion) -> dict[str, Any]:
    return {field: getattr(version, field) for field in RECIPE}
