"""Models from elsewhere: what the web checks of a file at once. A worker then loads it with PyTorch."""

from typing import IO, Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.registry.models import ModelEvent, ModelExport, ModelVersion
from mer_platform.storage import store_by_content
from mer_platform.web import actor, storable
from models_ml.errors import InputError
from models_ml.registry.package import Package, read_package

MOST_CARD = 200_000  # characters of a card that are kept


def import_model(
    project: Project,
    source: IO[bytes],
    file_name: str,
    user: Any,
    name: str = "",
    origin: str = "",
    reason: str = "",
) -> ModelVersion:
    """Store a model from a file, and queue its check. Raises InputError with the place in the file.

    The same weights are not imported twice into a project.
    """
    package = read_package(source, file_name)
    known = ModelVersion.objects.filter(project=project, sha256=package.sha256).first()
    if known is not None:
        raise InputError(
            f"“{file_name}” contains the same weights as the {known} (model {known.pk}) of this project."
        )
    stored = store_by_content("models", ContentFile(package.weights), ".safetensors", sha256=package.sha256)
    with transaction.atomic():
        model = ModelVersion.objects.create(
            project=project,
            name=(name.strip() or package.name or file_name)[:120],
            config=package.config.model_dump(mode="json"),
            features_hash=package.config.features.content_hash(),
            file=stored.name,
            sha256=package.sha256,
            checked=False,
            classes=[],
            temperature=package.temperature,
            limits=package.limits,
            provenance=_provenance(package, file_name, user, origin),
            created_by=actor(user),
        )
        ModelEvent.record(
            model,
            user,
            ModelEvent.Kind.IMPORTED,
            after=model.name,
            reason=_why(file_name, model.provenance["origin"], reason),
        )
        group = ModelExport.group_of(model.pk)
        Job.enqueue("model-check", "features", project.pk, f"{group}:check", group, {"model": model.pk})
        AuditEvent.record(project, user, f"imported the model “{model.name}” from “{file_name}”")
    return model


def fail_import(model_id: int, reason: str) -> None:
    """Record why an imported model cannot be used."""
    with transaction.atomic():
        model = (
            ModelVersion.objects.select_for_update(of=("self",)).filter(pk=model_id, checked=False).first()
        )
        if model is not None:
            model.provenance = {**model.provenance, "error": reason}
            model.save(update_fields=["provenance"])


def _why(file_name: str, origin: str, reason: str) -> str:
    place = f"imported from {origin or 'an unknown place'}, file “{file_name}”"
    return (f"{place}: {reason}" if reason else place)[:1000]


def _provenance(package: Package, file_name: str, user: Any, origin: str) -> dict[str, Any]:
    card = storable(package.card)
    if len(str(card)) > MOST_CARD:
        card = {}
    return {
        "file_name": storable(file_name)[:255],
        "origin": storable(origin.strip() or package.origin)[:500],
        "sha256": package.sha256,
        "imported_at": timezone.now().isoformat(),
        "imported_by": getattr(user, "username", ""),
        "trained_on": list(package.trained_on),
        "of_pictures": package.of_pictures,
        "card": card,
    }
