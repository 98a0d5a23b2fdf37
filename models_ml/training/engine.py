"""Trains many folds at once, or a model on all samples.

The networks of several folds, and of several configurations of one shape, stand side by side in one bundle and see the same
batches. A sample that a fold holds out is in them too, but weighs nothing there: not in the loss, not in the gradient, not
in a batch's statistics. What a fold's network becomes depends on the configuration, on the training samples, on their
places among all samples and on the fold's name; not on the held-out samples, nor (but for rounding) on what else is in the
bundle. Knows nothing of files, jobs or databases.
"""

import os
from collections.abc import Sequence

import numpy as np
import torch

from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from models_ml.config.bundles import bundle_key
from models_ml.errors import InputError
from models_ml.training import classical
from models_ml.training.bundle import BundleTraining
from models_ml.training.determinism import reproducible
from models_ml.training.folds import FoldSpec
from models_ml.training.memory import keep_memory
from models_ml.training.model import TrainedModel, check_features
from models_ml.training.tasks import (
    Cancelled,
    EpochReport,
    FoldResult,
    FoldTask,
    OnEpoch,
    ShouldStop,
    TrainingData,
)

__all__ = [
    "Cancelled",
    "EpochReport",
    "FoldResult",
    "FoldTask",
    "TrainingData",
    "device_of",
    "fit_all",
    "train_bundle",
]


def train_bundle(
    data: TrainingData,
    plan: Sequence[FoldSpec],
    tasks: Sequence[FoldTask],
    *,
    on_epoch: OnEpoch | None = None,
    should_stop: ShouldStop | None = None,
    device: str = "auto",
) -> list[FoldResult | InputError]:
    """Train the tasks side by side, then predict each one's held-out samples.

    Parameters
    ----------
    plan : all folds of the protocol, in this bundle or not: batches are drawn from all samples that any of them trains on
    tasks : of configurations with the same ``bundle_key``
    on_epoch : called after each epoch; never where there are none, for a network that is not trained by gradient
    should_stop : asked before each epoch, or before each task where there are none
    device : "cpu", "cuda", "cuda:1", …, or "auto" for a GPU where there is one

    Returns
    -------
    For each task what came of it, or why its training failed while others went on: its loss is no longer finite.

    Raises
    ------
    InputError : features, labels or folds do not fit the configurations or each other
    Cancelled : ``should_stop`` said so
    """
    _check(data, tasks)
    if not tasks[0].config.net.trained_by_gradient:
        return [_fitted(data, task, should_stop) for task in tasks]
    target = device_of(device)
    keep_memory()
    with reproducible(target):
        return _fitting(data, plan, tasks, target, on_epoch, should_stop)


def _fitting(
    data: TrainingData,
    plan: Sequence[FoldSpec],
    tasks: Sequence[FoldTask],
    target: torch.device,
    on_epoch: OnEpoch | None,
    should_stop: ShouldStop | None,
) -> list[FoldResult | InputError]:
    """Train the tasks together if the device's memory holds them, else one half of them after the other."""
    try:
        return _side_by_side(data, plan, tasks, target, on_epoch, should_stop)
    except torch.OutOfMemoryError as error:
        if len(tasks) == 1:
            raise InputError(
                f"the memory of {target} does not hold one fold of this network with batches of "
                f"{tasks[0].config.train.batch_size}: choose smaller batches, or a smaller network"
            ) from error
    if target.type == "cuda":
        torch.cuda.empty_cache()
    middle = len(tasks) // 2
    halves = (tasks[:middle], tasks[middle:])
    return [result for half in halves for result in _fitting(data, plan, half, target, on_epoch, should_stop)]


def _side_by_side(
    data: TrainingData,
    plan: Sequence[FoldSpec],
    tasks: Sequence[FoldTask],
    target: torch.device,
    on_epoch: OnEpoch | None,
    should_stop: ShouldStop | None,
) -> list[FoldResult | InputError]:
    training = BundleTraining(data, plan, tasks, target)
    for epoch in range(1, tasks[0].config.train.epochs + 1):
        if should_stop is not None and should_stop():
            raise Cancelled(f"training was cancelled before epoch {epoch}")
        training.epoch(epoch)
        if on_epoch is not None:
            on_epoch(EpochReport(epoch, [losses[-1] for losses in training.losses]))
        if len(training.errors) == len(tasks):
            break
    return training.results()


def fit_all(
    data: TrainingData,
    config: RunConfig,
    *,
    on_epoch: OnEpoch | None = None,
    should_stop: ShouldStop | None = None,
    device: str = "auto",
) -> TrainedModel:
    """Train on every sample: the model that scores new clips. Parameters as for ``train_bundle``; errors are raised."""
    if not len(data.features):
        raise InputError("there are no samples to train on")
    fold = FoldSpec("all samples", tuple(range(len(data.features))), ())
    [result] = train_bundle(
        data, [fold], [FoldTask(config, fold)], on_epoch=on_epoch, should_stop=should_stop, device=device
    )
    if isinstance(result, InputError):
        raise result
    return result.model


def _fitted(data: TrainingData, task: FoldTask, should_stop: ShouldStop | None) -> FoldResult:
    """A fold of a baseline without epochs, fitted to its training and validation samples."""
    fold = task.fold
    if should_stop is not None and should_stop():
        raise Cancelled(f"training was cancelled before fold {fold.name}")
    seen = [*fold.train, *fold.validation]
    model = classical.fit(task.config, data.features[seen], data.labels[seen])
    predicted = model.predict(data.features[list(fold.test)])
    oracle = np.empty((0, len(fold.test)), np.int64) if task.config.train.oracle else None
    return FoldResult(predicted, [], [], 0, oracle, model)


def device_of(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic
    return torch.device(name)


def _check(data: TrainingData, tasks: Sequence[FoldTask]) -> None:
    if len({bundle_key(task.config) for task in tasks}) != 1:
        raise InputError("a bundle needs at least one task, and all of them with the same bundle key")
    check_features(data.features, tasks[0].config.features.size)
    samples = len(data.features)
    if data.labels.shape != (samples,) or data.labels.dtype != np.int64 or len(data.subjects) != samples:
        raise InputError(
            f"every sample needs one int64 label and a subject: there are {samples} samples, labels of "
            f"{data.labels.dtype} and shape {data.labels.shape}, and {len(data.subjects)} subjects"
        )
    odd = np.flatnonzero((data.labels < 0) | (data.labels >= len(CLASSES)))
    if len(odd):
        raise InputError(
            f"label {int(data.labels[odd[0]])} of sample {int(odd[0])} is not one of 0 to {len(CLASSES) - 1} "
            f"({', '.join(CLASSES)})"
        )
    for task in tasks:
        fold = task.fold
        if not fold.train:
            raise InputError(f"fold {fold.name} has no training samples")
        shared = set(fold.train) & set(fold.test)
        if shared:
            raise InputError(f"sample {min(shared)} is both trained on and tested in fold {fold.name}")
