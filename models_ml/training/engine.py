"""Train many folds at once, or a model on all samples.

The networks of several folds, and of several configurations of one shape, are side by side in one bundle and see the same
batches. A sample that a fold holds out is in these batches too, but its weight there is zero: in the loss, the gradient and
the statistics of a batch. A fold's network depends on the configuration, the training samples, their positions among all
samples and the fold's name. It does not depend on the held-out samples and, except for rounding, not on the other folds of
the bundle. This module knows nothing about files, jobs or databases.
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
    "fit_all",
    "torch_device",
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
    """Train the tasks side by side, then predict the held-out samples of each.

    Parameters
    ----------
    data
        The samples of the run.
    plan
        All folds of the protocol, also if they are in other bundles: batches are drawn from all samples that any fold trains
        on.
    tasks
        The folds to train, of configurations with the same ``bundle_key``.
    on_epoch
        Called after each epoch. A network that is not trained by gradient has no epochs.
    should_stop
        Called before each epoch, or before each task if there are no epochs.
    device
        "cpu", "cuda", "cuda:1", …, or "auto" for a GPU if there is one.

    Returns
    -------
    list[FoldResult | InputError]
        For each task its result, or why its training failed: its loss is no longer finite. The others continue.

    Raises
    ------
    InputError
        Features, labels or folds do not fit the configurations or each other.
    Cancelled
        ``should_stop`` returned true.
    """
    _check(data, tasks)
    if not tasks[0].config.net.trained_by_gradient:
        return [_fitted(data, task, should_stop) for task in tasks]
    target = torch_device(device)
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
    """Train the tasks together if the device's memory holds them, otherwise one half after the other."""
    try:
        return _side_by_side(data, plan, tasks, target, on_epoch, should_stop)
    except torch.OutOfMemoryError as error:
        if len(tasks) == 1:
            raise InputError(
                f"The memory of {target} does not hold one fold of this network with batches of "
                f"{tasks[0].config.train.batch_size}. Choose smaller batches or a smaller network."
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
            raise Cancelled(f"Training was cancelled before epoch {epoch}.")
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
    """Train on all samples: the model that scores new clips. Parameters as for ``train_bundle``.

    Raises
    ------
    InputError
        Features or labels do not fit the configuration, or the training diverged.
    Cancelled
        ``should_stop`` returned true.
    """
    if not len(data.features):
        raise InputError("There are no samples to train on.")
    fold = FoldSpec("all samples", tuple(range(len(data.features))), ())
    [result] = train_bundle(
        data, [fold], [FoldTask(config, fold)], on_epoch=on_epoch, should_stop=should_stop, device=device
    )
    if isinstance(result, InputError):
        raise result
    return result.model


def _fitted(data: TrainingData, task: FoldTask, should_stop: ShouldStop | None) -> FoldResult:
    """Fit a baseline without epochs to the training and validation samples of a fold."""
    fold = task.fold
    if should_stop is not None and should_stop():
        raise Cancelled(f"Training was cancelled before fold {fold.name}.")
    seen = [*fold.train, *fold.validation]
    model = classical.fit(task.config, data.features[seen], data.labels[seen])
    predicted = model.predict(data.features[list(fold.test)])
    oracle = np.empty((0, len(fold.test)), np.int64) if task.config.train.oracle else None
    return FoldResult(predicted, [], [], 0, oracle, model)


def torch_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # otherwise cuBLAS is not deterministic
    return torch.device(name)


def _check(data: TrainingData, tasks: Sequence[FoldTask]) -> None:
    if len({bundle_key(task.config) for task in tasks}) != 1:
        raise InputError("A bundle needs at least one task, and all tasks need the same bundle key.")
    check_features(data.features, tasks[0].config.features.size)
    samples = len(data.features)
    if data.labels.shape != (samples,) or data.labels.dtype != np.int64 or len(data.subjects) != samples:
        raise InputError(
            f"Each sample needs one int64 label and a subject. There are {samples} samples, labels of "
            f"{data.labels.dtype} and shape {data.labels.shape}, and {len(data.subjects)} subjects."
        )
    odd = np.flatnonzero((data.labels < 0) | (data.labels >= len(CLASSES)))
    if len(odd):
        raise InputError(
            f"Label {int(data.labels[odd[0]])} of sample {int(odd[0])} must be 0 to {len(CLASSES) - 1} "
            f"({', '.join(CLASSES)})."
        )
    for task in tasks:
        fold = task.fold
        if not fold.train:
            raise InputError(f"Fold {fold.name} has no training samples.")
        shared = set(fold.train) & set(fold.test)
        if shared:
            raise InputError(f"Sample {min(shared)} is both trained on and tested in fold {fold.name}.")
