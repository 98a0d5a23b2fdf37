"""Deleting frozen versions that nothing was made from."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet

from mer_platform.composites.models import CompositeVersion
from mer_platform.deletion.services import CannotDelete
from mer_platform.experiments.models import Experiment, Run
from mer_platform.exports.models import FeatureExport
from mer_platform.features.models import FeatureRange, FeatureSet
from mer_platform.projects.models import AuditEvent, Project

# What a version stays for, with its name for one and for several.
_USERS: tuple[tuple[type[Model], str, str], ...] = (
    (Experiment, "experiment", "experiments"),
    (Run, "run", "runs"),
    (FeatureSet, "feature set", "feature sets"),
    (FeatureExport, "feature export", "feature exports"),
)


def uses_of(version: CompositeVersion) -> dict[str, int]:
    """Return how many rows of each kind need the version, by their names, without kinds that have none."""
    found: dict[str, int] = {}
    for model, one, several in _USERS:
        rows: QuerySet[Any] = model._default_manager.filter(version=version)
        if count := rows.count():
            found[one if count == 1 else several] = count
    return found


def why_kept(version: CompositeVersion) -> str:
    """Return why the version cannot be deleted, as a sentence; empty if it can."""
    found = uses_of(version)
    if not found:
        return ""
    parts = [f"{count:,} {name}" for name, count in found.items()]
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"Cannot delete {version}: it is needed by {listed}."


def delete_version(version: CompositeVersion, user: Any) -> None:
    """Delete a version with its samples. Its number is never used again. Raises CannotDelete."""
    try:
        _delete(version, user)
    except IntegrityError as error:  # something was made of it in the meantime
        raise CannotDelete(why_kept(version) or "Something needs the version now. Try again.") from error


def _delete(version: CompositeVersion, user: Any) -> None:
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=version.project.pk)
        version = (
            CompositeVersion.objects.select_for_update(of=("self",))
            .select_related("composite")
            .get(pk=version.pk)
        )
        if refusal := why_kept(version):
            raise CannotDelete(refusal)
        name = str(version)
        FeatureRange.objects.filter(version=version).delete()  # of runs that were deleted
        version.delete()
        AuditEvent.record(project, user, f"deleted {name} (SHA-256 {version.content_hash[:12]})")
