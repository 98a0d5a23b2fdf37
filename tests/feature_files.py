"""A small feature export, like those that the platform writes."""

from pathlib import Path

import numpy as np

from models_ml.featurefile import FeatureFile

SUBJECTS = 4
SAMPLES_PER_SUBJECT = 6


def write_small_export(path: Path, size: int = 28) -> None:
    """Write features of ``size`` pixels that can be learned: each class moves in its own third of the image."""
    count = SUBJECTS * SAMPLES_PER_SUBJECT
    labels = np.arange(count) % 3
    features = np.random.default_rng(0).normal(0, 0.1, (count, 3, size, size)).astype(np.float32)
    for sample, label in zip(features, labels, strict=True):
        sample[:, label * size // 3 : (label + 1) * size // 3] += 1
    subjects = [i // SAMPLES_PER_SUBJECT for i in range(count)]
    FeatureFile(
        features=features,
        labels=labels,
        classes=("negative", "positive", "surprise"),
        subjects=tuple(f"s{subject}" for subject in subjects),
        databases=tuple("SMIC" if subject % 2 else "SAMM" for subject in subjects),
        names=tuple(f"clip {i}" for i in range(count)),
        sources=("clip",) * count,
        version="Lab v1",
        content_hash="ab" * 32,
        config={"size": size},
    ).write(path, "safetensors")
