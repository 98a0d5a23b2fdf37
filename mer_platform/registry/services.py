"""Finding the models of a project, and storing those that workers train."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q

from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from mer_platform.registry.models import PRODUCTION, ModelExport, ModelVersion
from models_ml.registry.limits import LIMITS_VERSION

QUEUED_AT_ONCE = 20  # jobs per round of upkeep


def resolve(project: Project, name: "str | int") -> ModelVersion:
    """Return the model of the project that an id, or an alias such as ``@production``, names.

    Raises ValidationError (field ``model``) if there is none. A model in training and an archived one are returned as well:
    ``why_not_usable`` says what keeps them from scoring.
    """
    text = str(name).strip()
    own = ModelVersion.objects.filter(project=project)
    if text.startswith("@"):
        alias = text[1:]
        found = own.filter(stage=PRODUCTION) if alias == PRODUCTION else own.filter(aliases__name=alias)
    elif re.fullmatch(r"[0-9]{1,18}", text):
        found = own.filter(pk=int(text))
    else:
        raise ValidationError({"model": "Give the id of a model, or an alias such as @production."})
    model = found.select_related("project", "run__version").first()
    if model is not None:
        return model
    if text == f"@{PRODUCTION}":
        raise ValidationError({"model": f"No model of “{project}” is in production."})
    if text.startswith("@"):
        raise ValidationError({"model": f"No model of “{project}” has the alias {text}."})
    raise ValidationError({"model": f"Model {text} not found in “{project}”."})


def why_not_usable(model: ModelVersion) -> str:
    """Return why the model cannot score new clips, as a sentence; empty if it can."""
    if not model.is_ready:
        return f"Cannot score with the {model}: it has not been trained."
    if model.stage == ModelVersion.Stage.ARCHIVED:
        return f"Cannot score with the {model}: it is archived. Choose another model, or make it a candidate again."
    if model.of_pictures:
        return (
            f"The {model} cannot score clips, because it was trained on flow pictures, whose scale is not known. Choose a "
            "model that was trained only on clips."
        )
    return ""


def store_model(run: Run, **fields: Any) -> ModelVersion:
    """Store what a worker knows of the model of a run; the name and the notes of an existing one stay."""
    own = {"project": run.project, "config": run.config, "features_hash": run.features_hash, **fields}
    new = {**own, "name": run.name, "created_by": run.created_by}
    model, _ = ModelVersion.objects.update_or_create(run=run, defaults=own, create_defaults=new)
    return model


def queue_missing_facts() -> None:
    """Queue the computation of limits and temperature for models that an earlier release trained, once for each model."""
    # Models without limits have no version, of which SQL says neither that it is this one nor that it is not.
    other = Q(limits__version__isnull=True) | ~Q(limits__version=LIMITS_VERSION)
    old = ModelVersion.objects.ready().filter(other, run__isnull=False)
    due = {
        f"model-facts:{pk}:{LIMITS_VERSION}": (pk, project)
        for pk, project in old.order_by("pk").values_list("pk", "project")
    }
    known = set(Job.objects.filter(key__in=due).values_list("key", flat=True)) if due else set()
    for key in [key for key in due if key not in known][:QUEUED_AT_ONCE]:
        pk, project = due[key]
        Job.enqueue("model-facts", "features", project, key, ModelExport.group_of(pk), {"model": pk})
