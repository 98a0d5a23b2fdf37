"""What goes into training, and what comes out of it."""

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
    """Everything a run sees.

    features : (N, 3, size, size) float32, flow u, v (pixels) and optical strain
    labels : (N,) int64, positions in ``CLASSES``
    subjects : of each sample; two people of different databases have different names
    jittered : (J, N, 3, size, size) float32, the same with the apex moved, for ``apex_jitter``
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
    """What a fold leaves behind.

    probabilities : (test samples, classes) float64, in the order of ``fold.test``
    losses : mean training loss of each epoch
    validation_losses : mean loss of each epoch on the inner validation subjects, if there are any
    epoch : whose weights count, from 1; 0 where there are no epochs
    oracle : (epochs, test samples) what each epoch predicted, if asked for
    model : the trained network
    """

    probabilities: NDArray[np.float64]
    losses: list[float]
    validation_losses: list[float]
    epoch: int
    oracle: NDArray[np.int64] | None
    model: TrainedModel


@dataclass(frozen=True)
class EpochReport:
    """What is told after each epoch: the losses of the tasks in training together, NaN where one has failed."""

    number: int
    losses: list[float]


OnEpoch = Callable[[EpochReport], None]
