"""Networks of the registry in a small form, and small data to train them on. New networks are included."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import FoldSpec, plan

SIZE = 16
NAMES = list(NET_CONFIGS)
BY_GRADIENT = [name for name in NAMES if NET_CONFIGS[name].trained_by_gradient]


def variants(names: list[str]) -> list[dict[str, Any]]:
    """Return each network with each of its normalisations."""
    return [
        {"name": name, **NET_CONFIGS[name].small, **({"norm": norm} if norm else {})}
        for name in names
        for norm in (["batch", "none"] if "norm" in NET_CONFIGS[name].model_fields else [None])
    ]


def batch_normalised(names: list[str]) -> list[dict[str, Any]]:
    """Return each network once, with batch normalisation if it has that setting."""
    return [net for net in variants(names) if net.get("norm") != "none"]


def label(net: dict[str, Any]) -> str:
    """Return the network and its normalisation as one word."""
    return "-".join(str(net[key]) for key in ("name", "norm") if key in net)


def configured(net: dict[str, Any], train: dict[str, Any] | None = None, **others: Any) -> RunConfig:
    """Return a configuration for the small data, trained for two epochs unless ``train`` says otherwise."""
    quick = {"epochs": 2, "batch_size": 8, **(train or {})}
    return RunConfig.model_validate({"features": {"size": SIZE}, "net": net, "train": quick, **others})


LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1, 2, 0, 1, 0, 0, 2, 0, 1, 2])
SUBJECTS = [f"s{i % 6}" for i in range(len(LABELS))]
DATABASES = ["A" if i % 6 < 3 else "B" for i in range(len(LABELS))]


def motion(seed: int, labels: NDArray[np.int64], size: int = SIZE) -> NDArray[np.float32]:
    """Return noise with a patch of motion whose position and direction depend on the class, (N, 3, size, size) float32."""
    features = np.random.default_rng(seed).normal(size=(len(labels), 3, size, size)).astype(np.float32)
    third = size // 3
    for sample, label in zip(features, labels, strict=True):
        channel, speed = [(1, 2), (1, -2), (0, 2)][label]
        sample[channel, third * label : third * (label + 1), third : 2 * third + 2] += speed
    return features


def data(features: NDArray[np.float32] | None = None, labels: NDArray[np.int64] = LABELS) -> TrainingData:
    """Return eighteen samples of six subjects in two databases."""
    return TrainingData(motion(0, LABELS) if features is None else features, labels, SUBJECTS)


def folds_of(config: RunConfig) -> list[FoldSpec]:
    """Return the folds of the small data."""
    return plan(config, SUBJECTS, DATABASES)


def trained(data: TrainingData, config: RunConfig, folds: list[FoldSpec]) -> list[FoldResult]:
    """Train folds in one bundle, with the batches of the whole protocol."""
    results = train_bundle(data, folds_of(config), [FoldTask(config, fold) for fold in folds], device="cpu")
    return [result for result in results if isinstance(result, FoldResult)]
