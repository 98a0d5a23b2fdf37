"""Scores with epochs chosen on the test samples: a leak, computed to compare with papers that do so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import Scores, class_labels, scores_of, unweighted


@dataclass(frozen=True)
class Oracle:
    """Leaky scores: their epochs were chosen on the test subjects.

    Attributes
    ----------
    common_epoch
        The epoch, from 1, whose predictions, pooled over all folds, have the highest UF1.
    common
        Scores of this epoch in all folds.
    fold_epochs
        The epoch of each fold, from 1, that predicts most of its test samples correctly.
    per_fold
        Scores of these epochs.
    curve
        UF1 of each epoch, pooled over all folds.
    """

    common_epoch: int
    common: Scores
    fold_epochs: list[int]
    per_fold: Scores
    curve: list[float]


def oracle_scores(folds: Sequence[tuple[ArrayLike, ArrayLike]]) -> Oracle:
    """Return the scores of the best common epoch, and of the best epoch of each fold.

    Many published figures are of this kind (Varanka et al., "Data Leakage and Evaluation Issues in Micro-Expression
    Analysis", 2023): the test subject decides when the training of its own model stops. Of equal epochs, the first is
    chosen.

    Parameters
    ----------
    folds
        For each fold, the true labels of its test samples (N,) and the predictions of each epoch (epochs, N), as positions
        in ``CLASSES``. All folds have the same number of epochs.

    Raises
    ------
    InputError
        No folds, different numbers of epochs or samples, or a number that is not a class.

    Examples
    --------
    Two folds of one sample each, over two epochs. Each epoch predicts one of them; the best epochs of the folds predict
    both.

    >>> oracle = oracle_scores([([0], [[0], [1]]), ([1], [[0], [1]])])
    >>> oracle.common.accuracy, oracle.fold_epochs, oracle.per_fold.accuracy
    (0.5, [1, 2], 1.0)
    """
    pairs = [(np.asarray(true), np.asarray(predicted)) for true, predicted in folds]
    _check(pairs)
    confusions = [_by_epoch(true, predicted) for true, predicted in pairs]
    pooled = np.sum(confusions, axis=0)
    curve = unweighted(pooled)["uf1"]
    common = int(np.argmax(curve))
    best = [int(np.argmax(np.trace(confusion, axis1=1, axis2=2))) for confusion in confusions]
    chosen = np.sum([confusion[epoch] for confusion, epoch in zip(confusions, best, strict=True)], axis=0)
    return Oracle(
        common_epoch=common + 1,
        common=scores_of(pooled[common]),
        fold_epochs=[epoch + 1 for epoch in best],
        per_fold=scores_of(chosen),
        curve=[float(value) for value in curve],
    )


def _by_epoch(true: NDArray, predicted: NDArray) -> NDArray[np.int64]:
    """Return the confusion matrix of each epoch, (epochs, classes, classes)."""
    n, epochs = len(CLASSES), len(predicted)
    labels, guesses = class_labels(true, "true"), class_labels(predicted.ravel(), "predicted")
    cells = guesses.reshape(predicted.shape) + n * labels + n * n * np.arange(epochs)[:, None]
    return np.bincount(cells.ravel(), minlength=epochs * n * n).reshape(epochs, n, n)


def _check(folds: Sequence[tuple[NDArray, NDArray]]) -> None:
    if not folds:
        raise InputError("There are no folds to choose an epoch for.")
    for number, (true, predicted) in enumerate(folds):
        if predicted.ndim != 2 or predicted.shape[1] != len(true) or not len(predicted):
            raise InputError(
                f"Fold {number} has {len(true)} test samples and predictions of shape {predicted.shape}. "
                "Each epoch must predict each sample once."
            )
    counts = sorted({len(predicted) for _, predicted in folds})
    if len(counts) > 1:
        raise InputError(
            f"Folds have from {counts[0]} to {counts[-1]} epochs. A common epoch needs the same number in all folds."
        )
