"""The samples of a run as arrays, cached for the next bundle of the same experiment."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.experiments.models import Run
from models_ml.classes import CLASSES
from models_ml.config import FeatureConfig
from models_ml.training.engine import TrainingData
from workers.feature_cache import load_samples, with_moved_apex


def run_data(run: Run) -> tuple[list[Sample], TrainingData]:
    """Return the samples of the run's version, and their features and labels."""
    config = run.settings
    version = run.version
    return _loaded(version.pk, version.content_hash, config.features, config.train.apex_jitter)


def run_features(run: Run) -> NDArray[np.float32]:
    """Return the features of the run's samples, as its networks predict them: (N, 3, size, size), without moved apexes."""
    version = run.version
    return _loaded(version.pk, version.content_hash, run.settings.features, 0)[1].features


@lru_cache(maxsize=2)
def _loaded(
    version: int, _content: str, config: FeatureConfig, jitter: int
) -> tuple[list[Sample], TrainingData]:
    """Load and cache. Versions are frozen, so the cache is never stale. It saves one request per sample for each bundle."""
    samples = list(
        CompositeVersion.objects.get(pk=version).samples.select_related("clip", "picture").order_by("index")
    )
    labels = np.array([CLASSES.index(sample.label) for sample in samples], dtype=np.int64)
    variants = [
        load_samples([with_moved_apex(s, by) for s in samples], config) for by in (-jitter, jitter) if by
    ]
    return samples, TrainingData(
        load_samples(samples, config),
        labels,
        [sample.subject_key for sample in samples],
        np.stack(variants) if variants else None,
    )
