"""A small task whose folds train within seconds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_ml.config import RunConfig
from models_ml.training.engine import FoldResult, FoldTask, TrainingData, train_bundle
from models_ml.training.folds import loso

QUICK = RunConfig.model_validate({"net": {"width": 0.05}, "train": {"epochs": 3, "batch_size": 8}})
RICH: dict[str, Any] = {
    "flip": True, "shift": 0.1, "rotate": 10, "amplitude": 0.3, "mixup": 0.4, "sampling": "balanced", "loss": "focal",
    "label_smoothing": 0.1, "ema": 0.9, "warmup": 1, "schedule": "step",
}  # fmt: skip


def motion(seed: int, classes: list[int]) -> NDArray[np.float32]:
    """Return noise with a patch of motion whose position depends on the class, (N, 3, 28, 28) float32."""
    features = np.random.default_rng(seed).normal(size=(len(classes), 3, 28, 28)).astype(np.float32)
    for sample, label in zip(features, classes, strict=True):
        sample[1, 8 * label : 8 * label + 8, 8:20] += 2
    return features


def made_data() -> TrainingData:
    classes = [0, 1, 2, 0, 1, 2, 0, 0] * 3
    return TrainingData(motion(0, classes), np.array(classes), [f"s{i % 4}" for i in range(len(classes))])


def with_train(config: RunConfig = QUICK, **changes: Any) -> RunConfig:
    return RunConfig.model_validate(config.model_dump() | {"train": config.train.model_dump() | changes})


def train(data: TrainingData, config: RunConfig, *folds: int) -> list[FoldResult]:
    """Train some folds of leave-one-subject-out in one bundle, or all if none is named."""
    plan = loso(data.subjects)
    wanted = [plan[i] for i in folds] if folds else plan
    results = train_bundle(data, plan, [FoldTask(config, fold) for fold in wanted])
    assert all(isinstance(result, FoldResult) for result in results), results
    return results  # type: ignore[return-value]
