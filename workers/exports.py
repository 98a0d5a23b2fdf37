"""Queue ``features``, kind ``export``: all features of a composite version, in one file to download."""

import tempfile
from pathlib import Path

import numpy as np
from django.core.files.base import File
from django.db import transaction
from numpy.typing import NDArray

from mer_platform.composites.models import Sample
from mer_platform.exports import services
from mer_platform.exports.models import FeatureExport
from mer_platform.jobs.models import Claim, Job
from mer_platform.storage import store_by_content
from models_ml.classes import CLASSES
from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.featurefile import FeatureFile
from models_ml.outages import raise_outage
from workers.feature_cache import joined_problems, load_samples, sample_features
from workers.runner import handles

SAMPLES_AT_A_TIME = 16


def export_failed(job: Job, reason: str) -> None:
    services.fail(job.payload["export"], reason)


@handles("export", failed=export_failed)
def export_features(claim: Claim) -> None:
    """Store the features of all samples with their names and classes; an error lists all problems."""
    export = FeatureExport.objects.select_related("version__composite").get(pk=claim.job.payload["export"])
    samples = list(export.version.samples.select_related("clip", "picture").order_by("index"))
    config = FeatureConfig.model_validate(export.config)
    content = FeatureFile(
        features=_features(claim, samples, config),
        labels=np.array([CLASSES.index(sample.label) for sample in samples], dtype=np.int64),
        classes=CLASSES,
        subjects=tuple(sample.subject for sample in samples),
        databases=tuple(sample.database for sample in samples),
        names=tuple(sample.name for sample in samples),
        sources=tuple("picture" if sample.picture_id else "clip" for sample in samples),
        version=str(export.version),
        content_hash=export.version.content_hash,
        config=export.config,
    )
    name, digest, size = _store(content, export.format)
    with transaction.atomic():
        # The export's row is locked before the job's row, as when an attempt fails: another order could deadlock.
        export = FeatureExport.objects.select_for_update().get(pk=export.pk)
        with claim.commit() as job:
            services.finish(export, name, digest, size)
            claim.finish(job)


def _features(claim: Claim, samples: list[Sample], config: FeatureConfig) -> NDArray[np.float32]:
    """Return the features (N, 3, size, size) in the order of the samples; raise InputError with all problems."""
    features = np.empty((len(samples), 3, config.size, config.size), np.float32)
    problems: list[str] = []
    for start in range(0, len(samples), SAMPLES_AT_A_TIME):
        claim.check()
        claim.progress(start, len(samples))
        some = samples[start : start + SAMPLES_AT_A_TIME]
        try:
            features[start : start + len(some)] = load_samples(some, config)
        except InputError as error:
            raise_outage(error)
            problems += _problems(some, config)
    if problems:
        raise InputError(joined_problems(problems))
    claim.progress(len(samples), len(samples))
    return features


def _problems(samples: list[Sample], config: FeatureConfig) -> list[str]:
    found = []
    for sample in samples:
        try:
            sample_features(sample, config)
        except InputError as error:
            raise_outage(error)
            found.append(f"{sample}: {error}")
    return found


def _store(content: FeatureFile, kind: str) -> tuple[str, str, int]:
    """Store the file by its content; return its name, SHA-256 and size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"features.{kind}"
        content.write(path, kind)
        with path.open("rb") as file:
            name, digest = store_by_content("exports", File(file), f".{kind}")
        return name, digest, path.stat().st_size
