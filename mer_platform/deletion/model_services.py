"""Deleting models that no scoring batch needs. As with runs, rows go first, and upkeep removes the files afterwards."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from mer_platform.deletion.services import CannotDelete, note_unused
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.registry.models import ModelExport, ModelVersion

SHOWN = 3


def why_kept(model: ModelVersion) -> str:
    """Return why the model cannot be deleted, and what to do instead, as a sentence; empty if it can."""
    if model.stage == ModelVersion.Stage.PRODUCTION:
        return f"Cannot delete the {model}: it is in production. Archive it, or put another model into production first."
    if model.state == "training":
        return f"Cannot delete the {model}: it is in training. Cancel its run first."
    batches = [str(batch) for batch in model.batches.order_by("pk")[: SHOWN + 1]]
    if not batches:
        return ""
    more = model.batches.count() - SHOWN
    named = batches if more <= 0 else [*batches[:SHOWN], f"{more} more"]
    listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return f"Cannot delete the {model}: it scored the clips of {listed}. Archive it instead: it is then offered no longer."


def delete_model(model: ModelVersion, user: Any) -> None:
    """Delete a model with its history, aliases and files; its run stays. Raises CannotDelete."""
    try:
        _delete(model, user)
    except ProtectedError as error:  # a batch was started in the meantime
        raise CannotDelete(why_kept(model)) from error


def _delete(model: ModelVersion, user: Any) -> None:
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=model.project_id)
        model = (
            ModelVersion.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
        )
        if refusal := why_kept(model):
            raise CannotDelete(refusal)
        name = str(model)
        note_unused([name for name in files_of(model) if name])
        Job.cancel_group(ModelExport.group_of(model.pk))
        model.delete()
        AuditEvent.record(model.project, user, f"deleted the {name}")


def files_of(model: ModelVersion) -> list[str]:
    """Return the names of the stored files of a model."""
    export = getattr(model, "export", None)
    return [model.file, export.file if export else ""]
