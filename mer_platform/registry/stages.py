"""What people do with models: register a run, promote, archive, name, and give aliases. Each change has a history line."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.experiments import steps
from mer_platform.experiments.models import Run
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.registry.models import PRODUCTION, ModelAlias, ModelEvent, ModelVersion
from mer_platform.web import actor
from mer_platform.webhooks.services import announce
from models_ml.errors import InputError

Stage = ModelVersion.Stage
Kind = ModelEvent.Kind


def register(run: Run, user: Any, name: str = "", reason: str = "") -> tuple[ModelVersion, bool]:
    """Make a run a model of the project. Return it, and whether it must still be trained on all samples.

    A run that has a model already gets the name and a line in its history. Raises InputError for an external run, for one
    that is not finished, and for one without a trained model of whose version a sample was withdrawn.
    """
    if run.is_external:
        raise InputError(f"Cannot register {run}: its network is not part of the platform.")
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("project", "version").get(pk=run.pk)
        if run.state not in (Run.State.FINISHED, Run.State.FINISHING):
            raise InputError(
                f"Cannot register {run}: it is {run.get_state_display()}. Wait until it is finished, or choose another run."
            )
        model = ModelVersion.objects.filter(run=run).first()
        if (model is None or not model.is_ready) and (refusal := run.version.refusal(f"register {run}")):
            raise InputError(refusal)
        if model is None:
            model = ModelVersion(
                run=run,
                project=run.project,
                config=run.config,
                features_hash=run.features_hash,
                classes=[],
                created_by=actor(user),
                name=run.name,
            )
        model.name = name.strip() or model.name
        model.save()
        if not model.is_ready and run.state == Run.State.FINISHED:
            run.error = ""
            run.save(update_fields=["error"])
            steps.queue_model(run)
        ModelEvent.record(model, user, Kind.REGISTERED, after=model.name, reason=reason.strip())
        AuditEvent.record(run.project, user, f"registered the {model} as “{model.name}”")
    return model, not model.is_ready


def set_stage(model: ModelVersion, stage: str, reason: str, user: Any) -> bool:
    """Move the model to a stage. Return False if it is there already.

    The project has one model in production: another one becomes a candidate again, with a line in its history, in the same
    transaction. Raises InputError for a model without a file.
    """
    with transaction.atomic():
        _lock(model.project_id)
        model.refresh_from_db()
        if model.stage == stage:
            return False
        if not model.is_ready and stage == Stage.PRODUCTION:
            raise InputError(f"Cannot put the {model} into production: it has not been trained.")
        if stage == Stage.PRODUCTION:
            for other in ModelVersion.objects.filter(project=model.project_id, stage=stage):
                why = f"“{model.name}” (model {model.pk}) took its place: {reason}"
                _move(other, Stage.CANDIDATE, why, user)
        _move(model, stage, reason, user)
        AuditEvent.record(model.project, user, f"moved the {model} to {stage}: {reason}")
    return True


def set_alias(model: ModelVersion, name: str, reason: str, user: Any) -> bool:
    """Let an alias of the project point to the model. Return False if it does already. Raises ValidationError."""
    _check_alias(name)
    with transaction.atomic():
        _lock(model.project_id)
        alias = ModelAlias.objects.filter(project=model.project_id, name=name).select_related("model").first()
        if alias is not None and alias.model_id == model.pk:
            return False
        if alias is None:
            alias = ModelAlias(project_id=model.project_id, name=name)
        else:
            moved = f"moved to “{model.name}” (model {model.pk})"
            why = f"{moved}: {reason}" if reason else moved
            ModelEvent.record(alias.model, user, Kind.ALIAS, before=f"@{name}", reason=why[:1000])
        alias.model = model
        alias.full_clean()
        alias.save()
        ModelEvent.record(model, user, Kind.ALIAS, after=f"@{name}", reason=reason)
        AuditEvent.record(model.project, user, f"let @{name} mean the {model}")
    return True


def remove_alias(model: ModelVersion, name: str, user: Any) -> bool:
    """Remove an alias of the model. Return False if it has no such alias. Raises ValidationError for ``production``."""
    _check_alias(name)
    with transaction.atomic():
        removed, _ = model.aliases.filter(name=name).delete()
        if removed:
            ModelEvent.record(model, user, Kind.ALIAS, before=f"@{name}")
            AuditEvent.record(model.project, user, f"removed @{name} from the {model}")
    return bool(removed)


def rename(model: ModelVersion, name: str, user: Any) -> None:
    """Give the model another name."""
    with transaction.atomic():
        before, model.name = model.name, name.strip()
        if before != model.name:
            model.save(update_fields=["name"])
            ModelEvent.record(model, user, Kind.RENAMED, before=before, after=model.name)
            AuditEvent.record(model.project, user, f"renamed the model “{before}” to “{model.name}”")


def write_notes(model: ModelVersion, notes: dict[str, Any], user: Any) -> None:
    """Replace parts of the card that people write; parts that are not given stay."""
    with transaction.atomic():
        model = ModelVersion.objects.select_for_update(of=("self",)).get(pk=model.pk)
        changed = {key: value for key, value in notes.items() if model.notes.get(key) != value}
        if changed:
            model.notes = {**model.notes, **changed}
            model.save(update_fields=["notes"])
            parts = ", ".join(sorted(key.replace("_", " ") for key in changed))
            ModelEvent.record(model, user, Kind.EDITED, after=parts[:120])
            AuditEvent.record(model.project, user, f"edited the card of the {model}")


def _move(model: ModelVersion, stage: str, reason: str, user: Any) -> None:
    before, model.stage = model.stage, stage
    model.save(update_fields=["stage"])
    ModelEvent.record(model, user, Kind.STAGE, before=before, after=stage, reason=reason[:1000])
    data = {"model": model.pk, "name": model.name, "from": before, "to": stage}
    announce(model.project_id, "model.stage_changed", data)


def _lock(project_id: int) -> None:
    """Let two promotions at once wait for each other. A batch that starts only refers to the project, and does not wait."""
    Project.objects.select_for_update(no_key=True).get(pk=project_id)


def _check_alias(name: str) -> None:
    if name == PRODUCTION:
        raise ValidationError(
            {"alias": "The alias @production follows the stage: move the model to production instead."}
        )
