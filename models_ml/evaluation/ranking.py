"""Ranking of configurations: which is best, and how certain is that after looking at all of them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted
from models_ml.evaluation.uncertainty import RESAMPLES, Interval, interval_of, resamples

Score = Literal["uf1", "uar", "accuracy"]
CHUNK = 16  # runs scored together: their 10,000 resampled confusion matrices take 6 MB


@dataclass(frozen=True)
class RankedConfiguration:
    """One of the ranked configurations.

    Attributes
    ----------
    index
        Its position in the argument of ``rank``.
    score
        Mean over its runs (seeds).
    interval
        95% interval of the score, of this configuration alone.
    best
        Share of the resamples in which it is the best; ties are divided.
    behind
        Score of the leading configuration minus its own.
    behind_interval
        95% interval of ``behind`` that holds for all pairs of configurations at once; None for the leader.
    """

    index: int
    score: float
    interval: Interval
    best: float
    behind: float
    behind_interval: Interval | None

    @property
    def may_be_best(self) -> bool:
        """Whether it leads, or its gap to the leader is not significant."""
        return self.behind_interval is None or self.behind_interval[0] <= 0


@dataclass(frozen=True)
class Ranking:
    """Configurations with the best first, and the score to expect from choosing the best.

    Attributes
    ----------
    ranked
        The configurations, best first.
    chosen
        Score of the chosen configuration on subjects that it was not chosen on. It is lower than the leader's own score,
        which was selected for being high on these subjects. None for a single configuration.
    chosen_interval
        95% interval of ``chosen``.
    """

    ranked: list[RankedConfiguration]
    chosen: float | None
    chosen_interval: Interval | None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the ranking that ``dataclasses.asdict`` and JSON turned into lists."""
        ranked = [
            RankedConfiguration(
                **{
                    **one,
                    "interval": tuple(one["interval"]),
                    "behind_interval": _ends(one["behind_interval"]),
                }
            )
            for one in content["ranked"]
        ]
        return cls(ranked, content["chosen"], _ends(content["chosen_interval"]))


def _ends(interval: Sequence[float] | None) -> Interval | None:
    return None if interval is None else (interval[0], interval[1])


def rank(
    configurations: Sequence[NDArray[np.integer]],
    score: Score = "uf1",
    n: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """Rank configurations that predicted the same samples by a score, over the same resamples of subjects.

    *The best of k looks better than it is.* Three results show by how much:

    - ``best`` is how often each configuration would lead on other subjects.
    - ``behind_interval`` is simultaneous: d ± q·s, where s is the bootstrap standard error of a pair's difference, and q the
      95% quantile of the largest difference over *all* pairs, in units of s and widened for few subjects (max-t; Davison &
      Hinkley, 1997, section 4.4; Hothorn, Bretz & Westfall, Biometrical Journal 50, 2008). So it holds for any leader.
    - ``chosen`` repeats the choice in each resample and scores it on the subjects that were not drawn (BBC-CV; Tsamardinos,
      Greasidou & Borboudakis, Machine Learning 107, 2018).

    `make bench NAME=evaluation` measures it: one second for 60 runs of 68 subjects. The time for the pairs grows with the
    square of the number of configurations.

    Parameters
    ----------
    configurations
        For each configuration, the confusion matrices of its runs by subject, (runs, subjects, classes, classes), with at
        least one run. All have the same subjects in the same order.
    score
        The score to rank by.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        Nothing to rank, different subjects, or fewer than two subjects.

    Examples
    --------
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
    quantile = _largest_deviation((inside - observed).astype(np.float32), errors)
    margin = _widened(quantile, subjects) * errors[order[0]]
    ranked = []
    for i in order:
        interval, behind = interval_of(inside[:, i]), float(observed[order[0]] - observed[i])
        assert interval is not None  # noqa: S101  each subject has samples, so each resample has a score
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
    """Return the number of subjects."""
    if not configurations:
        raise InputError("There is no configuration to rank.")
    shapes = {runs.shape[1:] for runs in configurations}
    if len(shapes) > 1 or any(not len(runs) for runs in configurations):
        raise InputError(
            "Configurations can be ranked only on the same subjects, and each needs a run. Their shapes are "
            + ", ".join(str(runs.shape) for runs in configurations)
            + "."
        )
    [(subjects, *_)] = shapes
    if subjects < 2:
        raise InputError("A ranking needs at least two subjects; these predictions are of one.")
    return int(subjects)


def _scores(counts: NDArray[np.integer], weights: NDArray[np.float32], score: Score) -> NDArray[np.float32]:
    """Return the score of each run, (weightings, runs), with subjects weighted by ``weights`` (weightings, subjects)."""
    n, classes = len(weights), len(CLASSES)
    found = np.empty((n, len(counts)), dtype=np.float32)
    for start in range(0, len(counts), CHUNK):
        part = counts[start : start + CHUNK]
        flat = np.moveaxis(part, 0, 1).reshape(part.shape[1], -1).astype(np.float32)
        pooled = (weights @ flat).reshape(n, len(part), classes, classes)
        found[:, start : start + CHUNK] = unweighted(pooled)[score]
    return found


def _means(scores: NDArray[np.float32], sizes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the mean over the runs of each configuration: (n, runs) → (n, configurations)."""
    sums = np.add.reduceat(scores, np.cumsum(sizes) - sizes, axis=1)
    return (sums / sizes).astype(np.float32)


def _standard_errors(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard error of each pair's difference, (configurations, configurations)."""
    covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    variance = np.diag(covariance)
    return np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0))


def _largest_deviation(deviations: NDArray[np.float32], errors: NDArray[np.float64]) -> float:
    """Return the 95% quantile, over resamples, of the largest deviation of a pair's difference, in standard errors."""
    largest = np.zeros(len(deviations), dtype=np.float32)
    for i in range(deviations.shape[1] - 1):
        differ = errors[i, i + 1 :] > 1e-6  # pairs that always agree have no standard error
        if differ.any():
            apart = np.abs(deviations[:, i + 1 :][:, differ] - deviations[:, i : i + 1])
            np.maximum(
                largest, (apart / errors[i, i + 1 :][differ].astype(np.float32)).max(axis=1), out=largest
            )
    return float(np.quantile(largest, 0.95))


def _widened(z: float, subjects: int) -> float:
    """Return the quantile of Student's t that corresponds to ``z``, because s itself is estimated from few subjects.

    Abramowitz & Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    df = subjects - 1
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    return t * float(np.sqrt(subjects / df))
