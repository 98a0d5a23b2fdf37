"""Freezing a composite version."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from mer_platform.clips.models import Database
from mer_platform.composites.draft import draft
from mer_platform.composites.labelmaps import check_label_map
from mer_platform.composites.models import Composite, CompositeVersion, Sample, content_hash
from mer_platform.composites.rules import parse_rules
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor

RECIPE = ("label_map", "preset", "rules")


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
        composite, _ = Composite.objects.get_or_create(project=project, name=name.strip()[:80])
        Composite.objects.select_for_update().get(pk=composite.pk)  # so that two clicks make one version
        latest = composite.versions.order_by("-number").first()
        if latest is not None and latest.content_hash == digest and _recipe(latest) == made_by:
            return latest
        number = (composite.versions.aggregate(Max("number"))["number__max"] or 0) + 1
        version = CompositeVersion.objects.create(
            composite=composite,
            number=number,
            content_hash=digest,
            frozen_by=actor(user),
            **recipe,
        )
        for sample in samples:
            sample.version = version
        Sample.objects.bulk_create(samples)
        AuditEvent.record(project, user, f"froze {version} ({len(samples)} samples, {digest[:12]})")
    return version


def _recipe(version: CompositeVersion) -> dict[str, Any]:
    return {field: getattr(version, field) for field in RECIPE}
