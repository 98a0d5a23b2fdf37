"""How far scores would move with other subjects: a bootstrap over subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import class_ratios, confusion_matrix, unweighted

RESAMPLES = 10_000
Interval = tuple[float, float]
Named = Mapping[str, Interval | None]  # by score


@dataclass(frozen=True)
class Intervals:
    """95 % intervals by name of the score; None where fewer than two subjects bear on it, so that none can be told.

    overall : uf1, uar, accuracy
    per_database : {database: uf1, uar, accuracy}
    per_class : {class: f1, recall, precision}
    """

    overall: Named
    per_database: Mapping[str, Named]
    per_class: Mapping[str, Named]


def subject_bootstrap(
    true: ArrayLike,
    pred: ArrayLike,
    subjects: Sequence[str],
    databases: Sequence[str] = (),
    n: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """95 % intervals of all scores: percentile bootstrap over subjects.

    Samples of one person are alike, so subjects are drawn, not samples (cluster bootstrap; Davison & Hinkley,
    "Bootstrap Methods and their Application", 1997, section 3.8), and a drawn subject brings all of its
    predictions. Counts are pooled over subjects, so a resample is the sum of the subjects' confusion matrices,
    each as often as it was drawn. Nothing is stratified: the mix of databases varies with the subjects, which
    makes intervals a little wider, and those of a database come from its part of the same resamples.

    They say how the scores would vary with other subjects, not with other seeds of the training.

    Parameters
    ----------
    true, pred : (N,) integers, positions in ``CLASSES``
    subjects, databases : of each sample; without databases there are no intervals per database
    n : resamples
    seed : same seed, same intervals

    Raises
    ------
    InputError : no samples, different lengths, or a number that is no class

    >>> subject_bootstrap([0, 1, 2, 0], [0, 1, 2, 0], ["a", "a", "b", "b"], n=100).overall["uf1"]
    (1.0, 1.0)
    """
    true, pred, names = np.asarray(true), np.asarray(pred), np.asarray(databases)
    if len(databases) not in (0, len(true)):
        raise InputError(
            f"there are {len(true)} labels and {len(databases)} databases; each sample needs both"
        )
    known = [str(name) for name in np.unique(names)]
    parts = [subject_confusions(true, pred, subjects)]
    parts += [subject_confusions(true, pred, subjects, names == name) for name in known]
    counts = np.stack(parts, axis=1)  # (subjects, whole and databases, classes, classes)
    drawn = resamples(len(counts), n, seed)
    pooled = (drawn @ counts.reshape(len(counts), -1).astype(np.float32)).reshape(n, *counts.shape[1:])
    present = (counts.sum(axis=(-2, -1)) > 0).sum(axis=0)  # subjects that have a sample in each part
    scores = unweighted(pooled)
    of_part = [
        {name: interval_of(values[:, part]) if present[part] > 1 else None for name, values in scores.items()}
        for part in range(len(parts))
    ]
    return Intervals(
        of_part[0], dict(zip(known, of_part[1:], strict=True)), _per_class(counts[:, 0], pooled[:, 0])
    )


def _per_class(counts: NDArray[np.int64], pooled: NDArray[np.float32]) -> dict[str, Named]:
    ratios = dict(zip(("f1", "recall", "precision"), class_ratios(pooled), strict=True))
    showing = (counts.sum(axis=2) > 0).sum(axis=0)  # subjects that show each class
    return {
        name: {
            ratio: interval_of(values[:, i]) if showing[i] > 1 else None for ratio, values in ratios.items()
        }
        for i, name in enumerate(CLASSES)
    }


def subject_confusions(
    true: ArrayLike, pred: ArrayLike, subjects: Sequence[str], among: ArrayLike | None = None
) -> NDArray[np.int64]:
    """The confusion matrix of each subject, (subjects, classes, classes), in the order of their names.

    Parameters
    ----------
    among : (N,) bool, the samples to count; all if None

    Raises InputError as ``subject_bootstrap`` does.

    >>> subject_confusions([0, 0, 1], [0, 1, 1], ["b", "a", "b"])[1].tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    true, pred = np.asarray(true), np.asarray(pred)
    if len(true) != len(subjects) or not len(true):
        raise InputError(f"there are {len(true)} labels and {len(subjects)} subjects; each sample needs both")
    counted = np.ones(len(true), dtype=bool) if among is None else np.asarray(among)
    names, position = np.unique(np.asarray(subjects), return_inverse=True)
    members = (np.flatnonzero((position == i) & counted) for i in range(len(names)))
    return np.stack([confusion_matrix(true[rows], pred[rows]) for rows in members])


def resamples(subjects: int, n: int = RESAMPLES, seed: int = 0) -> NDArray[np.float32]:
    """How often each subject is drawn in each resample, (n, subjects); each row sums to the number of subjects.

    float32, so that pooling counts is one fast matrix product; it is exact up to 2²⁴ samples.
    """
    drawn = np.random.default_rng(seed).integers(subjects, size=(n, subjects))
    cells = drawn + subjects * np.arange(n)[:, None]
    return np.bincount(cells.ravel(), minlength=n * subjects).reshape(n, subjects).astype(np.float32)


def interval_of(values: NDArray[np.floating]) -> Interval | None:
    """The middle 95 % of a score's resamples; those without a value (no sample to score) are left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
