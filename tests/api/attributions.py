"""Attributions that are done, without networks."""

import numpy as np
from django.core.files.base import ContentFile

from mer_platform.experiments.attribution import services
from mer_platform.experiments.models import Attribution, FoldWeights, Run
from mer_platform.experiments.results import samples_of
from mer_platform.jobs.models import Job
from mer_platform.storage import store_by_content
from models_ml.attribution.config import AttributionConfig
from models_ml.attribution.results import Attributions
from models_ml.attribution.summary import summarise
from models_ml.classes import CLASSES


def keep_networks(run: Run) -> None:
    """Pretend that the networks of all folds are kept."""
    FoldWeights.objects.bulk_create(
        FoldWeights(fold=fold, file=f"fold-weights/{fold.pk:064x}.safetensors", size=1000)
        for fold in run.folds.all()
    )


def attributed(run: Run, user, method: str = "occlusion", size: int = 28) -> Attribution:
    """Store a finished attribution of random maps."""
    keep_networks(run)
    found, _ = services.request(run, AttributionConfig(method=method), user)
    rng = np.random.default_rng(0)
    parts = []
    for prediction in run.predictions.select_related("sample"):
        classes = sorted({CLASSES.index(prediction.predicted), CLASSES.index(prediction.sample.label)})
        channels = 3 if method == "gradients" else 4
        values = rng.normal(0.001, 0.01, (len(classes), channels, size, size)).astype(np.float32)
        image = rng.normal(size=(3, size, size)).astype(np.float32)
        gaps = np.full(len(classes), 0.004) if method == "gradients" else None
        parts.append(Attributions.of_sample(method, prediction.sample.index, classes, values, image, gaps))
    content = Attributions.joined(parts)
    samples = samples_of(run.version)
    predicted = [sample.true for sample in samples]
    for index, label in run.predictions.values_list("sample__index", "predicted"):
        predicted[index] = CLASSES.index(label)
    summary = summarise(
        content,
        [s.true for s in samples],
        predicted,
        [s.subject for s in samples],
        [s.database for s in samples],
        n=200,
    )
    data = content.to_bytes()
    stored = store_by_content("attributions", ContentFile(data), ".npz")
    services.finish(found, stored.name, len(data), summary)
    Job.objects.filter(pk=found.job_id).update(state=Job.State.DONE)
    found.refresh_from_db()
    return found
