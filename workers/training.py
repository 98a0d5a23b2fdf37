"""Queue ``training``: one held-out subject a job, and at the end the model trained on everybody."""

import hashlib
import platform
import time
from importlib.metadata import version as library_version
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.experiments import services
from mer_platform.experiments.models import Fold, Prediction, Run
from mer_platform.jobs.models import Claim, JobCancelled
from mer_platform.scoring.models import ModelVersion
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.training.engine import Cancelled, Data, FoldTask, fit_all, train_pack
from models_ml.training.folds import plan
from workers.features import load_samples, run_failed
from workers.runner import handles


@handles("fold", failed=run_failed)
def train_one_fold(claim: Claim) -> None:
    """Train without one subject, predict that subject, commit both at once."""
    run = _active_run(claim)
    index = claim.job.payload["fold"]
    samples, data = _data(run)
    folds = plan(run.settings, data.subjects, [sample.database for sample in samples])
    spec = folds[index]
    began = time.monotonic()
    try:
        [result] = train_pack(data, folds, [FoldTask(run.settings, spec)], should_stop=_stopper(claim))
    except Cancelled as stop:
        raise JobCancelled(str(stop)) from stop
    if isinstance(result, InputError):
        raise result
    seconds = time.monotonic() - began
    weights = hashlib.sha256(result.model.save_bytes()).hexdigest()
    with services.finishing(claim, run.pk):
        fold = Fold.objects.get(run=run, index=index)
        Prediction.objects.filter(fold=fold).delete()
        Prediction.objects.bulk_create(
            Prediction(
                run=run,
                fold=fold,
                sample=samples[position],
                probabilities=[float(p) for p in probabilities],
                predicted=CLASSES[int(np.argmax(probabilities))],
            )
            for position, probabilities in zip(spec.test, result.probabilities, strict=True)
        )
        fold.state, fold.attempt, fold.seconds = Fold.State.DONE, claim.attempt, seconds
        fold.losses, fold.weights_sha256 = [float(loss) for loss in result.losses], weights
        fold.save()


@handles("model", failed=run_failed)
def train_final_model(claim: Claim) -> None:
    """The run's configuration on all samples: what scores new clips."""
    run = _active_run(claim)
    _, data = _data(run)
    try:
        model = fit_all(data, run.settings, should_stop=_stopper(claim))
    except Cancelled as stop:
        raise JobCancelled(str(stop)) from stop
    content = model.save_bytes()
    digest = hashlib.sha256(content).hexdigest()
    name = f"models/{digest[:2]}/{digest}.safetensors"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    with services.finishing(claim, run.pk):
        ModelVersion.objects.update_or_create(
            run=run, defaults={"file": name, "sha256": digest, "classes": list(CLASSES)}
        )
        Run.objects.filter(pk=run.pk).update(environment=environment())


def environment() -> dict[str, Any]:
    """What computed this: for the record, and to compare when numbers differ."""
    import torch

    libraries = ("torch", "numpy", "opencv-contrib-python-headless", "av", "dlib-bin")
    cuda = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        **{name: library_version(name) for name in libraries},
    }


def _active_run(claim: Claim) -> Run:
    run = Run.objects.select_related("version").get(pk=claim.job.payload["run"])
    if not run.active:
        raise JobCancelled("the run was ended")
    return run


def _data(run: Run) -> tuple[list[Any], Data]:
    samples = list(run.version.samples.select_related("clip", "picture").order_by("index"))
    labels = np.array([CLASSES.index(sample.label) for sample in samples], dtype=np.int64)
    features = load_samples(samples, run.settings.features)
    return samples, Data(features, labels, [sample.subject_key for sample in samples])


def _stopper(claim: Claim) -> Any:
    return lambda: claim.cancelled or claim.lost
