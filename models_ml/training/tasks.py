"""The input and the results of training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_ml.config import RunConfig
from models_ml.training.folds import FoldSpec
from models_ml.training.model import TrainedModel

ShouldStop = Callable[[], bool]


class Cancelled(Exception):
    """Training was stopped by ``should_stop``."""


@dataclass(frozen=True)
class TrainingData:
    """The samples of a run.

    Attributes
    ----------
    features
        (N, 3, size, size) float32, flow u, v (pixels) and optical strain.
    labels
        (N,) int64, positions in ``CLASSES``.
    subjects
        Subject of each sample. People of different databases have different names.
    jittered
        (J, N, 3, size, size) float32, the same features with the apex moved, for ``apex_jitter``.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    subjects: Sequence[str]
    jittered: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class FoldTask:
    """One fold of one run."""

    config: RunConfig
    fold: FoldSpec


@dataclass(frozen=True)
class FoldResult:
    """The result of a fold.

    Attributes
    ----------
    probabilities
        (test samples, classes) float64, in the order of ``fold.test``.
    losses
        Mean training loss of each epoch.
    validation_losses
        Mean loss of each epoch on the inner validation subjects; empty without them.
    epoch
        The epoch whose weights predict, from 1. A network without epochs has 0.
    oracle
        (epochs, test samples), the prediction of each epoch; None if not requested.
    model
        The trained network.
    """

    probabilities: NDArray[np.float64]
    losses: list[float]
    validation_losses: list[float]
    epoch: int
    oracle: NDArray[np.int64] | None
    model: TrainedModel


@dataclass(frozen=True)
class EpochReport:
    """The report after each epoch.

    Attributes
    ----------
    number
        From 1.
    losses
        Mean training loss of each task in the bundle; NaN for a task that has failed.
    """

    number: int
    losses: list[float]


OnEpoch = Callable[[EpochReport], None]
