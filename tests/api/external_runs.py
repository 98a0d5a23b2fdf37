"""Runs whose predictions other code made, without uploading them."""

from collections.abc import Sequence

from django.utils import timezone

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Experiment, ExternalRun, Fold, Prediction, Run
from models_ml.classes import CLASSES

LOSO = "leave one subject out"


def external(
    version: CompositeVersion, predicted: Sequence[int], name: str = "Their method", **values
) -> Run:
    """Store an external run on the version, without probabilities. ``predicted`` is as in ``finished``."""
    experiment = Experiment.objects.create(
        project=version.project, version=version, name=name, sweep=None, queue="training"
    )
    own = {"protocol": LOSO, "state": Run.State.FINISHED, "finished_at": timezone.now(), **values}
    run = Run.objects.create(
        project=version.project, version=version, experiment=experiment, name=name, config=None, **own
    )
    ExternalRun.objects.create(run=run, declared={"protocol": "loso"}, file_sha256="ab" * 32)
    fold = Fold.objects.create(run=run, index=0, name="all samples", state=Fold.State.DONE)
    for sample, position in zip(version.samples.order_by("index"), predicted, strict=True):
        Prediction.objects.create(
            run=run, fold=fold, sample=sample, probabilities=None, predicted=CLASSES[position]
        )
    return run
