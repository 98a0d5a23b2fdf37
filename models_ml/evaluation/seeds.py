"""Configurations that were trained with several seeds: which is better, on other subjects and with other seeds?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.evaluation.metrics import class_ratios, unweighted
from models_ml.evaluation.student import two_sided_p, two_sided_quantile
from models_ml.evaluation.uncertainty import Interval

SCORES = ("uf1", "uar", "accuracy")


@dataclass(frozen=True)
class SeedMean:
    """A score of one configuration.

    Attributes
    ----------
    value
        Mean over its seeds.
    interval
        95% interval that covers other subjects and other seeds.
    deviation
        Standard deviation between the seeds.
    """

    value: float
    interval: Interval
    deviation: float


@dataclass(frozen=True)
class SeedDifference:
    """The mean score of a second configuration minus that of a first one.

    Attributes
    ----------
    value
        The difference of the means over the seeds.
    error
        Its standard error.
    interval
        95% interval that covers other subjects and other seeds.
    p
        Two-sided p-value.
    seed_share
        Share of the variance, from 0 to 1, that the choice of the seeds adds.
    """

    value: float
    error: float
    interval: Interval
    p: float
    seed_share: float


class _Component(NamedTuple):
    """A part of the variance of a mean, and how many independent values it was estimated from, less one."""

    variance: float
    freedom: float


def seed_means(counts: NDArray[np.integer]) -> dict[str, SeedMean]:
    """Return the mean of each score over the seeds of one configuration: uf1, uar, accuracy.

    Parameters
    ----------
    counts
        (seeds, subjects, classes, classes) confusion matrices of each seed's run, with at least two seeds and subjects.

    Raises
    ------
    InputError
        Fewer than two seeds or subjects.

    Examples
    --------
    >>> always = np.tile(np.diag([2, 2, 2]), (3, 4, 1, 1))
    >>> seed_means(always)["uf1"]
    SeedMean(value=1.0, interval=(1.0, 1.0), deviation=0.0)
    """
    _check([counts])
    found, scores, influences = {}, unweighted(counts.sum(axis=1)), _influences(counts)
    for name in SCORES:
        value = float(scores[name].mean())
        parts = [_of_subjects(influences[name].mean(axis=0)), *_of_seeds(scores[name], influences[name])]
        interval, _ = _student(value, parts)
        found[name] = SeedMean(value, interval, float(scores[name].std(ddof=1)))
    return found


def compare_configurations(
    first: NDArray[np.integer], others: Sequence[NDArray[np.integer]]
) -> list[dict[str, SeedDifference]]:
    """Compare the mean score of each of the other configurations with that of the first one, on the same samples.

    *Subjects and seeds are both samples of something larger.* A comparison of two runs covers other subjects, but another
    seed is another training, and often shifts a score as much as the change that is tested (Bouthillier et al., MLSys 2021).
    This is the analysis of radiologists who read the same cases with two methods (Obuchowski & Rockette, Communications in
    Statistics 24, 1995; Gallas, Academic Radiology 13, 2006): a linear mixed model with configurations as fixed effect, and
    subjects and seeds as crossed random effects. Seeds are nested in configurations: seed 1 of two configurations has
    nothing in common but the number.

    The score is linearised: each subject has an influence on it (infinitesimal jackknife; Efron, Biometrika 68, 1981). The
    variance of a difference is estimated from the mean squares of influences and scores: that of subjects, plus that of
    seeds less the part that the subjects already contain. It equals the restricted maximum likelihood of balanced data.
    Interval and p are Student's t with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946). So few seeds make
    wide intervals: two seeds of each configuration have two degrees of freedom between them.

    A bootstrap over subjects and seeds (Owen, Annals of Applied Statistics 1, 2007) would need more seeds than people train:
    with three, its variance between seeds is too small by a third. Tests draw data with a known difference: the
    intervals hold it about 95 times in 100, and those that ignore seeds far less often.

    Parameters
    ----------
    first
        (seeds, subjects, classes, classes) confusion matrices of each seed's run, with at least two seeds and subjects.
    others
        The same for each of the other configurations. Numbers of seeds may differ; subjects and their order may not.

    Raises
    ------
    InputError
        Fewer than two seeds or subjects, or different subjects.

    Examples
    --------
    >>> good = np.tile(np.diag([2, 2, 2]), (2, 4, 1, 1))
    >>> bad = np.tile([[2, 0, 0], [2, 0, 0], [2, 0, 0]], (3, 4, 1, 1))
    >>> compare_configurations(bad, [good])[0]["accuracy"].interval
    (0.6666666666666667, 0.6666666666666667)
    """
    _check([first, *others])
    scores = [unweighted(counts.sum(axis=1)) for counts in (first, *others)]
    influences = [_influences(counts) for counts in (first, *others)]
    found = []
    for number in range(1, len(scores)):
        own = {}
        for name in SCORES:
            of_both = [(scores[i][name], influences[i][name]) for i in (0, number)]
            value = float(of_both[1][0].mean() - of_both[0][0].mean())
            subjects = _of_subjects(of_both[1][1].mean(axis=0) - of_both[0][1].mean(axis=0))
            seeds = [part for pair in of_both for part in _of_seeds(*pair)]
            added = sum(part.variance for part in seeds)
            interval, p = _student(value, [subjects, *seeds])
            total = subjects.variance + added
            own[name] = SeedDifference(value, total**0.5, interval, p, added / total if total else 0.0)
        found.append(own)
    return found


def _check(configurations: Sequence[NDArray[np.integer]]) -> None:
    shapes = [counts.shape for counts in configurations]
    if any(len(counts) < 2 for counts in configurations):
        raise InputError(
            "Seeds vary only where there are several: each configuration needs runs with at least two seeds."
        )
    if len({shape[1:] for shape in shapes}) > 1:
        raise InputError(
            f"Configurations can be compared only on the same subjects. Their shapes are {shapes}."
        )
    if shapes[0][1] < 2:
        raise InputError("A comparison needs at least two subjects; these predictions are of one.")


def _influences(counts: NDArray[np.integer]) -> dict[str, NDArray[np.float64]]:
    """Return the influence of each subject on each run's scores, (seeds, subjects).

    It is the derivative of the score by the subject's weight, times the number of subjects. Influences of a run sum
    to 0. A run's score on other subjects is about its score plus the mean of their influences.
    """
    subjects = counts.shape[1]
    hits = np.diagonal(counts, axis1=2, axis2=3).astype(float)  # (seeds, subjects, classes)
    actual, size = counts.sum(axis=3), counts.sum(axis=2) + counts.sum(axis=3)
    f1, recall, _ = class_ratios(counts.sum(axis=1))  # (seeds, classes); NaN where a class does not occur
    with np.errstate(invalid="ignore", divide="ignore"):
        of_f1 = (2 * hits - f1[:, None] * size) / size.sum(axis=1)[:, None]
        of_recall = (hits - recall[:, None] * actual) / actual.sum(axis=1)[:, None]
    samples, right = actual.sum(axis=2), hits.sum(axis=2)
    accuracy = right.sum(axis=1) / samples.sum(axis=1)
    return {
        "uf1": subjects * np.nanmean(of_f1, axis=2),
        "uar": subjects * np.nanmean(of_recall, axis=2),
        "accuracy": subjects * (right - accuracy[:, None] * samples) / samples.sum(axis=1)[:, None],
    }


def _of_subjects(influence: NDArray[np.float64]) -> _Component:
    """Return the variance of a mean over subjects, from influences (subjects,)."""
    subjects = len(influence)
    return _Component(float((influence**2).sum() / (subjects * (subjects - 1))), subjects - 1)


def _of_seeds(scores: NDArray[np.float64], influences: NDArray[np.float64]) -> list[_Component]:
    """Return what the choice of seeds adds to the variance of a configuration's mean; nothing if it adds nothing.

    Scores of seeds differ in general, and by subject. The latter part is in the variance of subjects already.
    """
    seeds, subjects = influences.shape
    between = float(scores.var(ddof=1)) / seeds
    residual = influences - influences.mean(axis=0)
    within = float((residual**2).sum()) / ((seeds - 1) * (subjects - 1)) / (seeds * subjects)
    if between <= within:
        return []
    added = between - within
    freedom = added**2 / (between**2 / (seeds - 1) + within**2 / ((seeds - 1) * (subjects - 1)))
    return [_Component(added, freedom)]


def _student(value: float, parts: Sequence[_Component]) -> tuple[Interval, float]:
    """Return the 95% interval of an estimate, and the p-value of 0, from the components of its variance."""

    variance = sum(part.variance for part in parts)
    if variance == 0:
        return (value, value), 1.0 if value == 0 else 0.0
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts if part.variance)
    error = variance**0.5
    margin = two_sided_quantile(0.05, freedom) * error
    return (value - margin, value + margin), two_sided_p(value / error, freedom)
