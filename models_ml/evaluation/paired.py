"""Comparison of two runs on the same samples: does one predict better than the other?"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted
from models_ml.evaluation.uncertainty import RESAMPLES, Interval, resamples, subject_confusions

ROUNDING = 1e-6  # equal scores can differ by this in 32 bits


@dataclass(frozen=True)
class ScoreDifference:
    """The second run's score minus the first run's, with 95% interval and two-sided p-value."""

    value: float
    interval: Interval
    p: float


@dataclass(frozen=True)
class McNemar:
    """Numbers of samples that only one of two runs predicts correctly, and McNemar's exact p."""

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Paired:
    """Comparison of a second run with a first one; differences by name of the score: uf1, uar, accuracy."""

    differences: dict[str, ScoreDifference]
    mcnemar: McNemar


def compare(
    true: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    subjects: Sequence[str],
    n: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two runs' predictions of the same samples.

    The same subjects are drawn for both runs (paired bootstrap), so what makes a subject hard for both cancels out. The
    interval is the middle 95% of the resampled differences. The matching two-sided p is twice the share of resamples on
    the rarer side of 0, with the observed set counted as one (Davison & Hinkley, 1997, section 4.2). Exchanging the runs
    changes the signs, but not p.

    This tests the predictions of trained networks on other subjects. Another seed is another training: compare several
    seeds before you call one configuration better (Dietterich, Neural Computation 10(7), 1998).

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    first
        (N,) integers, predictions of the first run.
    second
        (N,) integers, predictions of the second run.
    subjects
        Subject of each sample, at least two.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        Different lengths, no samples, a number that is not a class, or only one subject.

    Examples
    --------
    >>> paired = compare([0, 1, 2, 0], [0, 0, 0, 0], [0, 1, 2, 0], ["a", "a", "b", "b"], n=100)
    >>> round(paired.differences["accuracy"].value, 2), paired.mcnemar
    (0.5, McNemar(only_first=0, only_second=2, p=0.5))
    """
    return compare_with_first(true, first, [second], subjects, n, seed)[0]


def compare_with_first(
    true: ArrayLike,
    first: ArrayLike,
    others: Sequence[ArrayLike],
    subjects: Sequence[str],
    n: int = RESAMPLES,
    seed: int = 0,
) -> list[Paired]:
    """Compare several runs with the first one, as ``compare`` does each. The resamples are drawn once for all.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    first
        (N,) integers, predictions of the first run.
    others
        (N,) integers for each of the other runs.
    subjects
        Subject of each sample, at least two.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        As ``compare``.
    """
    true = np.asarray(true)
    runs = [np.asarray(pred) for pred in (first, *others)]
    for pred in runs[1:]:
        if not len(true) == len(runs[0]) == len(pred):
            raise InputError(
                f"The runs must predict the same samples. There are {len(true)} true labels, {len(runs[0])} predictions "
                f"of the first run and {len(pred)} of another."
            )
    counts = np.stack([subject_confusions(true, pred, subjects) for pred in runs])
    if counts.shape[1] < 2:
        raise InputError("A comparison needs at least two subjects; these predictions are of one.")
    observed = unweighted(counts.sum(axis=1))
    drawn = _drawn_scores(counts, resamples(counts.shape[1], n, seed))
    differences = {
        name: _differences(observed[name][1:] - observed[name][0], scores[1:] - scores[0])
        for name, scores in drawn.items()
    }
    return [
        Paired(
            {name: own[i] for name, own in differences.items()}, mcnemar(runs[0] == true, runs[i + 1] == true)
        )
        for i in range(len(runs) - 1)
    ]


def differences_from_first(
    true: ArrayLike,
    first: ArrayLike,
    groups: Sequence[Sequence[ArrayLike]],
    subjects: Sequence[str],
    score: str = "uf1",
    n: int = RESAMPLES,
    seed: int = 0,
) -> list[ScoreDifference]:
    """Compare groups of runs, such as the seeds of a configuration, with one run: their mean score minus that run's.

    The resamples of subjects are those of ``compare_with_first``, so a group of one run gets the same difference. The
    interval is about other subjects; the scores of a group's runs are averaged in each resample.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    first
        (N,) integers, predictions of the run to compare with.
    groups
        For each group (N,) integers of each of its runs; no group is empty.
    subjects
        Subject of each sample, at least two.
    score
        uf1, uar or accuracy.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        As ``compare``.

    Examples
    --------
    >>> true, right, wrong = [0, 1, 2, 0], [0, 1, 2, 0], [0, 0, 0, 0]
    >>> subjects = ["a", "a", "b", "b"]
    >>> [found] = differences_from_first(true, wrong, [[right, wrong]], subjects, "accuracy", n=100)
    >>> found.value
    0.25
    """
    true, runs = np.asarray(true), [np.asarray(pred) for group in ([first], *groups) for pred in group]
    for pred in runs:
        if len(true) != len(pred):
            raise InputError(
                f"The runs must predict the same samples. There are {len(true)} true labels and {len(pred)} predictions "
                "of a run."
            )
    counts = np.stack([subject_confusions(true, pred, subjects) for pred in runs])
    if counts.shape[1] < 2:
        raise InputError("A comparison needs at least two subjects; these predictions are of one.")
    observed = unweighted(counts.sum(axis=1))[score]
    drawn = _drawn_scores(counts, resamples(counts.shape[1], n, seed))[score]
    ends = np.cumsum([1, *(len(group) for group in groups)])
    parts = [slice(start, end) for start, end in itertools.pairwise(ends)]
    if not parts:
        return []
    return _differences(
        np.array([observed[part].mean() for part in parts]) - observed[0],
        np.stack([drawn[part].mean(axis=0) for part in parts]) - drawn[0],
    )


def _drawn_scores(counts: NDArray[np.int64], weights: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return UF1, UAR and accuracy of each run in each resample, (runs, resamples), as ``unweighted`` defines them.

    Parameters
    ----------
    counts
        (runs, subjects, classes, classes) confusion matrices of the same samples.
    weights
        (resamples, subjects) how often each subject is drawn.
    """
    runs, subjects, classes, _ = counts.shape
    hits = np.diagonal(counts, axis1=2, axis2=3)  # (runs, subjects, classes)
    parts = [hits, counts.sum(axis=2), counts[:1].sum(axis=3)]  # correct, predicted and, for all runs, actual
    rows = np.concatenate([np.moveaxis(part, 2, 1).reshape(-1, subjects) for part in parts])
    pooled = rows.astype(np.float32) @ np.ascontiguousarray(
        weights.T
    )  # one fast product; exact, since counts are small
    correct, predicted = pooled[: 2 * runs * classes].reshape(2, runs, classes, -1)
    actual = pooled[2 * runs * classes :]
    size = actual + predicted
    f1 = 2 * correct / np.maximum(size, 1)
    recall = correct / np.maximum(actual, 1)
    return {
        "uf1": f1.sum(axis=1) / (size > 0).sum(axis=1, dtype=np.float32),
        "uar": recall.sum(axis=1) / (actual > 0).sum(axis=0, dtype=np.float32),
        "accuracy": correct.sum(axis=1) / actual.sum(axis=0),
    }


def _differences(observed: NDArray[np.float64], drawn: NDArray[np.float32]) -> list[ScoreDifference]:
    """Return a difference for each row of ``drawn`` (others, resamples)."""
    drawn[np.abs(drawn) < ROUNDING] = 0
    low, high = np.percentile(drawn, [2.5, 97.5], axis=1)
    rarer = np.minimum((drawn <= 0).sum(axis=1), (drawn >= 0).sum(axis=1))
    p = np.minimum(1, 2 * (1 + rarer) / (1 + drawn.shape[1]))
    return [
        ScoreDifference(float(value), (float(start), float(end)), float(own))
        for value, start, end, own in zip(observed, low, high, p, strict=True)
    ]


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Compute McNemar's exact test of the samples that only one of two runs predicts correctly.

    The test assumes independent samples, but samples of one person depend on each other. Use it in addition to the
    comparison over subjects, not instead (McNemar, Psychometrika 12, 1947; Dietterich, 1998, section 3.1).

    >>> mcnemar([True, True, False], [False, True, True])
    McNemar(only_first=1, only_second=1, p=1.0)
    """
    one, other = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    total = only_first + only_second
    tail = sum(math.comb(total, k) for k in range(min(only_first, only_second) + 1))
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**total))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for several simultaneous tests, in the order given.

    This is Holm's step-down method, as Demšar (JMLR 7, 2006, section 3.2.2) recommends for several classifiers against one.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
