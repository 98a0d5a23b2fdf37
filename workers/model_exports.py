"""Queue ``features``: kind ``model-export`` makes the ONNX file of a model; kind ``model-check`` loads an imported model."""

import hashlib
from functools import partial

import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction
from numpy.typing import NDArray

from mer_platform.deletion.services import note_unused, note_used
from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.registry import files
from mer_platform.registry.importing import fail_import
from mer_platform.registry.models import ModelExport, ModelVersion
from mer_platform.storage import store_by_content
from models_ml.classes import CLASSES
from models_ml.registry.onnx_export import MOST_CHECKED, to_onnx
from models_ml.training.model import TrainedModel
from workers.fold_weights import COMMIT_SECONDS
from workers.model_facts import ensure_facts
from workers.runner import handles
from workers.training_data import run_features

RANDOM_CHECKED = 64  # inputs of the check if the training samples are not here


def export_failed(job: Job, reason: str) -> None:
    files.fail_export(job.payload["export"], reason)


def check_failed(job: Job, reason: str) -> None:
    fail_import(job.payload["model"], reason)


@handles("model-export", failed=export_failed)
def export_model(claim: Claim) -> None:
    """Make the ONNX file of a model, compare it with PyTorch, and store it under its hash."""
    export = (
        ModelExport.objects.select_related("model__run__version")
        .filter(pk=claim.job.payload["export"])
        .first()
    )
    if export is None:
        raise JobCancelled("the model was deleted")
    model = ensure_facts(export.model)
    network = TrainedModel.load_bytes(files.stored_bytes(model.file))
    claim.check()
    inputs, origin = check_inputs(model)
    made = to_onnx(network, inputs, model.temperature)
    claim.check()
    digest = hashlib.sha256(made.content).hexdigest()
    name = f"models/{digest[:2]}/{digest}.onnx"
    note_unused([name], COMMIT_SECONDS)  # first: if the worker is killed now, the file goes
    store_by_content("models", ContentFile(made.content), ".onnx", sha256=digest)
    with transaction.atomic():
        locked = ModelExport.objects.select_for_update().filter(pk=export.pk).first()
        if locked is None:
            raise JobCancelled("the model was deleted")
        with claim.commit() as job:
            note_used([name])
            check = {**made.as_dict(), "inputs": origin}
            files.finish_export(locked, name, digest, len(made.content), check)
            claim.finish(job)


@handles("model-check", failed=check_failed)
def check_model(claim: Claim) -> None:
    """Load an imported model with PyTorch: its weights must fit its configuration and be finite numbers."""
    model = ModelVersion.objects.filter(pk=claim.job.payload["model"]).first()
    if model is None:
        raise JobCancelled("the model was deleted")
    network = TrainedModel.load_bytes(files.stored_bytes(model.file))
    network.predict(random_inputs(model, 2))
    with transaction.atomic():
        found = ModelVersion.objects.select_for_update(of=("self",)).filter(pk=model.pk)
        if not found:
            raise JobCancelled("the model was deleted")
        with claim.commit() as job:
            ModelVersion.objects.filter(pk=model.pk).update(checked=True, classes=list(CLASSES))
            claim.finish(job)
            transaction.on_commit(partial(files.start_export, ModelVersion.objects.get(pk=model.pk), None))


def check_inputs(model: ModelVersion) -> tuple[NDArray[np.float32], str]:
    """Return features on which the exported file is compared with PyTorch, and where they come from."""
    if model.run is not None:
        features = run_features(model.run)
        return features[:MOST_CHECKED], "features of the training samples"
    return random_inputs(model, RANDOM_CHECKED), "random numbers of the scale of its training samples"


def random_inputs(model: ModelVersion, count: int) -> NDArray[np.float32]:
    """Return random features of the scale of motion that a model states."""
    scale = (model.limits.get("motion") or {}).get("median", 1.0)
    side = model.settings.features.size
    drawn = np.random.default_rng(0).normal(scale=scale, size=(count, 3, side, side))
    return drawn.astype(np.float32)
