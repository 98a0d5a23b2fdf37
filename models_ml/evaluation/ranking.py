"""Which of many configurations is best, and how sure can one be, having looked at all of them?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted
from models_ml.evaluation.uncertainty import RESAMPLES, Interval, interval_of, resamples

Score = Literal["uf1", "uar", "accuracy"]
AT_ONCE = 16  # runs scored together: their resamples stay in a few megabytes


@dataclass(frozen=True)
class RankedConfiguration:
    """One configuration among those compared.

    index : its position in what was given
    score : mean over its runs (seeds)
    interval : 95 %, of this configuration alone
    best : share of the resamples in which it is the best; ties are shared
    behind : how much the leading configuration scores more, 0 for itself
    behind_interval : 95 %, holding for all pairs of configurations at once; None for the leading one
    """

    index: int
    score: float
    interval: Interval
    best: float
    behind: float
    behind_interval: Interval | None

    @property
    def may_be_best(self) -> bool:
        """It leads, or what it lacks to the leading one may be chance."""
        return self.behind_interval is None or self.behind_interval[0] <= 0


@dataclass(frozen=True)
class Ranking:
    """Configurations, the best first, and what choosing the best of them is worth.

    chosen : score of the choice on subjects it was not made on; lower than the leading one's own score, which was
        picked for being high on these subjects. None for one configuration.
    """

    ranked: list[RankedConfiguration]
    chosen: float | None
    chosen_interval: Interval | None


def rank(
    configurations: Sequence[NDArray[np.integer]],
    score: Score = "uf1",
    n: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """Rank configurations that predicted the same samples by a score, over the same resamples of subjects.

    *The best of k looks better than it is.* Three things say by how much. ``best`` is how often each would lead on
    other subjects. ``behind_interval`` is simultaneous: d ± q·s, with s the bootstrap standard error of a pair's
    difference and q the 95 % quantile of the largest difference over *all* pairs, counted in s and widened for few
    subjects (max-t; Davison & Hinkley, 1997, section 4.4; Hothorn, Bretz & Westfall, Biometrical Journal 50, 2008),
    so it holds whichever configuration happens to lead. ``chosen`` repeats the choice in every resample and scores
    it on the subjects that were not drawn (BBC-CV; Tsamardinos, Greasidou & Borboudakis, Machine Learning 107,
    2018).

    Takes a second for 60 runs of 68 subjects; the time for the pairs grows with the square of their number.

    Parameters
    ----------
    configurations : of each, its runs' confusion matrices by subject, (runs, subjects, classes, classes), of at
        least one run; the same subjects in the same order in all
    score : what is ranked by

    Raises
    ------
    InputError : nothing to rank, different subjects, or fewer than two of them

    >>> good = np.tile(np.diag([2, 2, 2]), (1, 4, 1, 1))
    >>> bad = np.tile([[2, 0, 0], [2, 0, 0], [2, 0, 0]], (1, 4, 1, 1))
    >>> [(one.index, one.score, one.best) for one in rank([bad, good], n=100).ranked]
    [(1, 1.0, 1.0), (0, 0.16666666666666666, 0.0)]
    """
    subjects = _check(configurations)
    counts = np.concatenate(configurations)
    sizes = np.array([len(runs) for runs in configurations])
    drawn = resamples(subjects, n, seed)
    observed = np.array([unweighted(runs.sum(axis=1))[score].mean() for runs in configurations])
    inside = _means(_scores(counts, drawn, score), sizes)
    order = np.argsort(-observed, kind="stable")
    leading = inside == inside.max(axis=1, keepdims=True)
    best = (leading / leading.sum(axis=1, keepdims=True)).mean(axis=0)
    errors = _standard_errors(inside)
    most = _largest_deviation((inside - observed).astype(np.float32), errors)
    margin = _for_few(most, subjects) * errors[order[0]]
    ranked = []
    for i in order:
        interval, behind = interval_of(inside[:, i]), float(observed[order[0]] - observed[i])
        assert interval is not None  # noqa: S101  every subject has samples, so every resample has a score
        apart = None if i == order[0] else (behind - float(margin[i]), behind + float(margin[i]))
        ranked.append(
            RankedConfiguration(int(i), float(observed[i]), interval, float(best[i]), behind, apart)
        )
    if len(configurations) == 1:
        return Ranking(ranked, None, None)
    outside = _means(_scores(counts, (drawn == 0).astype(np.float32), score), sizes)
    chosen = outside[np.arange(n), inside.argmax(axis=1)]
    return Ranking(ranked, float(np.nanmean(chosen)), interval_of(chosen))


def _check(configurations: Sequence[NDArray[np.integer]]) -> int:
    """The number of subjects."""
    if not configurations:
        raise InputError("there is no configuration to rank")
    shapes = {runs.shape[1:] for runs in configurations}
    if len(shapes) > 1 or any(not len(runs) for runs in configurations):
        raise InputError(
            "configurations can be ranked on the same subjects only, and each needs a run; there are "
            + ", ".join(str(runs.shape) for runs in configurations)
        )
    [(subjects, *_)] = shapes
    if subjects < 2:
        raise InputError("a ranking over subjects needs at least two, and these predictions are of one")
    return int(subjects)


def _scores(counts: NDArray[np.integer], weights: NDArray[np.float32], score: Score) -> NDArray[np.float32]:
    """The score of each run, (weightings, runs), with each subject's counts weighted (weightings, subjects)."""
    n, classes = len(weights), len(CLASSES)
    found = np.empty((n, len(counts)), dtype=np.float32)
    for start in range(0, len(counts), AT_ONCE):
        part = counts[start : start + AT_ONCE]
        flat = np.moveaxis(part, 0, 1).reshape(part.shape[1], -1).astype(np.float32)
        pooled = (weights @ flat).reshape(n, len(part), classes, classes)
        found[:, start : start + AT_ONCE] = unweighted(pooled)[score]
    return found


def _means(scores: NDArray[np.float32], sizes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Of each configuration over its runs: (n, runs) to (n, configurations)."""
    sums = np.add.reduceat(scores, np.cumsum(sizes) - sizes, axis=1)
    return (sums / sizes).astype(np.float32)


def _standard_errors(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of the difference of each pair, (configurations, configurations)."""
    covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    variance = np.diag(covariance)
    return np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0))


def _largest_deviation(deviations: NDArray[np.float32], errors: NDArray[np.float64]) -> float:
    """95 % quantile over resamples of the largest deviation of any pair's difference, in standard errors."""
    largest = np.zeros(len(deviations), dtype=np.float32)
    for i in range(deviations.shape[1] - 1):
        differ = errors[i, i + 1 :] > 1e-6  # pairs that always agree have no error to count in
        if differ.any():
            apart = np.abs(deviations[:, i + 1 :][:, differ] - deviations[:, i : i + 1])
            np.maximum(
                largest, (apart / errors[i, i + 1 :][differ].astype(np.float32)).max(axis=1), out=largest
            )
    return float(np.quantile(largest, 0.95))


def _for_few(z: float, subjects: int) -> float:
    """Student's t as far out as ``z`` is in a normal distribution: s itself is known from these subjects only.

    Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    df = subjects - 1
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    return t * float(np.sqrt(subjects / df))
