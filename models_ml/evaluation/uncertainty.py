"""Uncertainty of scores: a bootstrap over subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import class_labels, class_ratios, unweighted

# With so many resamples, the ends of an interval vary between seeds by about 0.7% of its width (the standard error of a 2.5%
# quantile of a normal distribution). All intervals of a run take less than a second (tests/bench/evaluation.py).
RESAMPLES = 10_000

Interval = tuple[float, float]
Named = Mapping[str, Interval | None]  # by name of the score


@dataclass(frozen=True)
class Intervals:
    """95% intervals by name of the score. An interval is None where fewer than two subjects contribute to the score.

    Attributes
    ----------
    overall
        Of uf1, uar and accuracy.
    per_database
        For each database, of uf1, uar and accuracy.
    per_class
        For each class, of f1, recall and precision.
    """

    overall: Named
    per_database: Mapping[str, Named]
    per_class: Mapping[str, Named]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the intervals that ``dataclasses.asdict`` and JSON turned into lists."""
        return cls(
            _named(content["overall"]),
            {name: _named(own) for name, own in content["per_database"].items()},
            {name: _named(own) for name, own in content["per_class"].items()},
        )


def _named(content: Mapping[str, Any]) -> Named:
    return {name: None if ends is None else (ends[0], ends[1]) for name, ends in content.items()}


def subject_bootstrap(
    true: ArrayLike,
    pred: ArrayLike,
    subjects: Sequence[str],
    databases: Sequence[str] = (),
    n: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Return 95% intervals of all scores: a percentile bootstrap over subjects.

    Samples of one person are alike. So subjects are drawn, not samples (cluster bootstrap; Davison & Hinkley, "Bootstrap
    Methods and their Application", 1997, section 3.8), with all of their predictions. A resample is the sum of the drawn
    subjects' confusion matrices. Nothing is stratified: the mix of databases varies with the subjects, which makes intervals
    a little wider. Intervals of a database come from its part of the same resamples.

    The intervals show how scores vary with other subjects, not with other seeds of the training.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    pred
        (N,) integers, the predictions.
    subjects
        Subject of each sample.
    databases
        Database of each sample; empty for no intervals per database.
    n
        Number of resamples.
    seed
        The same seed gives the same intervals.

    Raises
    ------
    InputError
        No samples, different lengths, or a number that is not a class.

    Examples
    --------
    >>> subject_bootstrap([0, 1, 2, 0], [0, 1, 2, 0], ["a", "a", "b", "b"], n=100).overall["uf1"]
    (1.0, 1.0)
    """
    true, pred, names = np.asarray(true), np.asarray(pred), np.asarray(databases)
    if len(databases) not in (0, len(true)):
        raise InputError(
            f"There are {len(true)} labels and {len(databases)} databases. Each sample needs both."
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
    shown_by = (counts.sum(axis=2) > 0).sum(axis=0)  # number of subjects per class
    return {
        name: {
            ratio: interval_of(values[:, i]) if shown_by[i] > 1 else None for ratio, values in ratios.items()
        }
        for i, name in enumerate(CLASSES)
    }


def subject_confusions(
    true: ArrayLike, pred: ArrayLike, subjects: Sequence[str], among: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return the confusion matrix of each subject, (subjects, classes, classes), in alphabetical order of the subjects.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    pred
        (N,) integers, the predictions.
    subjects
        Subject of each sample.
    among
        (N,) bool, the samples to count; None for all.

    Raises
    ------
    InputError
        As ``subject_bootstrap``.

    Examples
    --------
    >>> subject_confusions([0, 0, 1], [0, 1, 1], ["b", "a", "b"])[1].tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    true, pred = np.asarray(true), np.asarray(pred)
    if len(true) != len(subjects) or not len(true):
        raise InputError(
            f"There are {len(true)} labels and {len(subjects)} subjects. Each sample needs both."
        )
    labels, guesses = class_labels(true, "true"), class_labels(pred, "predicted")
    if len(labels) != len(guesses):
        raise InputError(f"There are {len(labels)} true labels and {len(guesses)} predictions.")
    names, position = np.unique(np.asarray(subjects), return_inverse=True)
    n = len(CLASSES)
    cells = (position * n + labels) * n + guesses
    if among is not None:
        cells = cells[np.asarray(among, dtype=bool)]
    return np.bincount(cells, minlength=len(names) * n * n).reshape(len(names), n, n)


def resamples(subjects: int, n: int = RESAMPLES, seed: int = 0) -> NDArray[np.float32]:
    """Return how often each subject is drawn in each resample, (n, subjects); each row sums to the number of subjects.

    The type is float32, so that pooling counts is one fast matrix product. It is exact up to 2²⁴ samples.
    """
    drawn = np.random.default_rng(seed).integers(subjects, size=(n, subjects))
    cells = drawn + subjects * np.arange(n)[:, None]
    return np.bincount(cells.ravel(), minlength=n * subjects).reshape(n, subjects).astype(np.float32)


def interval_of(values: NDArray[np.floating]) -> Interval | None:
    """Return the middle 95% of a score's resamples. Resamples without a value (no sample to score) are left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
