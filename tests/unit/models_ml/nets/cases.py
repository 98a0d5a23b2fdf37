"""All networks of the registry in a small form, for the tests that run on every network. New networks are included."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_ml.config import NET_CONFIGS, RunConfig
from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import FoldSpec, plan

SIZE = 16
SMALL: dict[str, dict[str, Any]] = {
    "vgg_m_spp": {"width": 0.05, "kernels": [2, 3]},
    "vgg_m": {"width": 0.05},
    "off_apexnet": {"hidden": 24},
    "dual_inception": {"hidden": 24},
    "rcn_a": {"width": 6, "grid": 3},
    "htnet": {"patch": 4, "width": 8, "layers": 1},
    "resnet": {"width": 4},
    "vit": {"width": 8, "heads": 2, "layers": 2},
    "hoof_svm": {"grid": 2, "bins": 4},
}
NAMES = list(NET_CONFIGS)
BY_GRADIENT = [name for name in NAMES if NET_CONFIGS[name].trained_by_gradient]


def variants(names: list[str]) -> list[dict[str, Any]]:
    """Return each network with each of its normalisations."""
    return [
        {"name": name, **SMALL.get(name, {}), **({"norm": norm} if norm else {})}
        for name in names
        for norm in (["batch", "none"] if "norm" in NET_CONFIGS[name].model_fields else [None])
    ]


def batch_normalised(names: list[str]) -> list[dict[str, Any]]:
    """Return each network once, with batch normalisation if it has that setting."""
    return [net for net in variants(names) if net.get("norm") != "none"]


def label(net: dict[str, Any]) -> str:
    return "-".join(str(net[key]) for key in ("name", "norm") if key in net)


def configured(net: dict[str, Any], train: dict[str, Any] | None = None, **others: Any) -> RunConfig:
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
    return TrainingData(motion(0, LABELS) if features is None else features, labels, SUBJECTS)


def folds_of(config: RunConfig) -> list[FoldSpec]:
    return plan(config, SUBJECTS, DATABASES)


def trained(data: TrainingData, config: RunConfig, folds: list[FoldSpec]) -> list[FoldResult]:
    """Train folds in one bundle, with the batches of the whole protocol."""
    results = train_bundle(data, folds_of(config), [FoldTask(config, fold) for fold in folds], device="cpu")
    return [result for result in results if isinstance(result, FoldResult)]
