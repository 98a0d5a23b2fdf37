"""Finished runs with scores, without training."""

from collections.abc import Sequence

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Fold, Prediction, Run
from mer_platform.jobs.models import Job
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.training.folds import plan


def finished(version: CompositeVersion, predicted: Sequence[int], user, **config) -> Run:
    """Store a finished run on the version. ``predicted`` has the index in ``CLASSES`` for each sample."""
    settings = RunConfig.model_validate(config)
    run = services.launch(version, settings, user)
    samples = list(version.samples.order_by("index"))
    folds = plan(settings, [s.subject_key for s in samples], [s.database for s in samples])
    for fold, spec in zip(run.folds.order_by("index"), folds, strict=True):
        for i in spec.test:
            Prediction.objects.create(
                run=run,
                fold=fold,
                sample=samples[i],
                probabilities=[0.8 if c == predicted[i] else 0.1 for c in range(3)],
                predicted=CLASSES[predicted[i]],
            )
    run.folds.update(state=Fold.State.DONE)
    Job.objects.filter(group=run.group).update(state=Job.State.DONE)
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    run.refresh_from_db()
    return run
