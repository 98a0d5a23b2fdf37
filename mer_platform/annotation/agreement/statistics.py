"""How well coders agree: pure functions on codings, without Django.

Expressions of two coders in one clip are paired by temporal overlap. Expressions that only one of them saw are counted too.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mer_platform.annotation.marks import MARKS

BOOTSTRAP_DRAWS = 1000
MIN_CLUSTERS = 5  # a bootstrap over fewer clusters gives no usable interval


@dataclass(frozen=True)
class SeenExpression:
    """An expression as one coder saw it: frame indices, emotion and the numbers of its action units.

    ``marking`` is the object that it was made from.
    """

    onset: int
    apex: int
    offset: int
    emotion: str = ""
    action_units: frozenset[int] = frozenset()
    marking: Any = None

    @property
    def length(self) -> int:
        """The number of frames from onset to offset, both included."""
        return self.offset - self.onset + 1


def overlap(a: SeenExpression, b: SeenExpression) -> float:
    """Return the intersection over union of the frames from onset to offset, both included.

    >>> overlap(SeenExpression(10, 15, 19), SeenExpression(15, 20, 24))  # 5 frames of 15
    0.3333333333333333
    """
    shared = min(a.offset, b.offset) - max(a.onset, b.onset) + 1
    return shared / (a.length + b.length - shared) if shared > 0 else 0.0


def match_expressions(a: Sequence[SeenExpression], b: Sequence[SeenExpression]) -> list[tuple[int, int]]:
    """Return the pairs (index in ``a``, index in ``b``) with the largest total overlap.

    Expressions without any overlap are not paired.

    >>> early, late = SeenExpression(2, 6, 11), SeenExpression(40, 45, 49)
    >>> match_expressions([SeenExpression(0, 5, 9)], [late, early])
    [(0, 1)]
    """
    from scipy.optimize import linear_sum_assignment  # takes a second to load, and most pages do not need it

    overlaps = np.array([[overlap(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    pairs = zip(*linear_sum_assignment(overlaps, maximize=True), strict=True)
    return [(int(i), int(j)) for i, j in pairs if overlaps[i, j] > 0]


def group_expressions(codings: Mapping[str, Sequence[SeenExpression]]) -> list[dict[str, SeenExpression]]:
    """Group what several coders saw by expression: a list in order of time, with {coder: expression} for each.

    The coders are added one by one: each coder's expressions are matched with the mean intervals of the groups so far.
    """
    groups: list[dict[str, SeenExpression]] = []
    for coder, expressions in codings.items():
        means = [_mean(list(members.values())) for members in groups]
        matched = {j: i for i, j in match_expressions(means, expressions)}
        for j, expression in enumerate(expressions):
            if j in matched:
                groups[matched[j]][coder] = expression
            else:
                groups.append({coder: expression})
    return sorted(groups, key=lambda members: _mean(list(members.values())).onset)


def _mean(expressions: list[SeenExpression]) -> SeenExpression:
    onset, apex, offset = (mean_frame([getattr(e, mark) for e in expressions]) for mark in MARKS)
    return SeenExpression(onset, apex, offset)


def mean_frame(frames: Sequence[int]) -> int:
    """Return the mean, rounded to a whole frame; halves are rounded up.

    >>> mean_frame([10, 11])
    11
    """
    return int(np.floor(np.mean(frames) + 0.5))


def reliability(pairs: Sequence[tuple[frozenset[int], frozenset[int]]]) -> float | None:
    """Return R = 2·|AU(C1) ∩ AU(C2)| / (|AU(C1)| + |AU(C2)|), summed over all pairs; None if no unit was coded.

    This is the inter-coder reliability of the CASME databases: Yan et al. 2014, "CASME II", PLoS ONE 9(1).

    >>> reliability([(frozenset({4, 7}), frozenset({4})), (frozenset({12}), frozenset({12}))])  # 2·2 / (3 + 2)
    0.8
    """
    coded = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(len(a & b) for a, b in pairs) / coded if coded else None


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's κ of two coders' emotions; None if there are no pairs, or only one emotion was ever chosen.

    Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    if not pairs:
        return None
    return _finite(_kappa(_counts(pairs, _distinct(pairs))))


def kappa_interval(
    pairs: Sequence[tuple[str, str]], clusters: Sequence[Hashable], seed: int = 0
) -> tuple[float, float] | None:
    """Return a 95% interval of κ from a bootstrap over clusters.

    Clusters are subjects, because expressions of one person resemble each other. The result is None with fewer than five
    clusters, or if κ is undefined in more than half of the draws.
    """
    emotions, names = _distinct(pairs), sorted(set(clusters), key=str)
    if len(names) < MIN_CLUSTERS:
        return None
    tables = np.stack(
        [_counts([p for p, c in zip(pairs, clusters, strict=True) if c == name], emotions) for name in names]
    )
    draws = np.random.default_rng(seed).multinomial(
        len(names), [1 / len(names)] * len(names), size=BOOTSTRAP_DRAWS
    )
    kappas = _kappa(np.einsum("dc,cij->dij", draws, tables))
    kappas = kappas[np.isfinite(kappas)]
    if len(kappas) < BOOTSTRAP_DRAWS / 2:
        return None
    low, high = np.percentile(kappas, [2.5, 97.5])
    return float(low), float(high)


def krippendorff_alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Return Krippendorff's α of nominal values for any number of coders.

    Each unit holds the values that were given to one thing; units with fewer than two values do not count. The result is
    None if nothing can be compared, or if only one value was ever given.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
    """
    comparable = [Counter(values) for values in units if len(values) > 1]
    total: Counter[str] = sum(comparable, Counter())
    n = total.total()
    expected = n * n - sum(count**2 for count in total.values())
    if not expected:
        return None
    # Pairs of unequal values within a unit, each unit weighted by 1 / (coders - 1).
    observed = sum(
        (values.total() ** 2 - sum(count**2 for count in values.values())) / (values.total() - 1)
        for values in comparable
    )
    return 1 - (n - 1) * observed / expected


def _distinct(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return sorted({value for pair in pairs for value in pair})


def _counts(pairs: Sequence[tuple[str, str]], values: list[str]) -> np.ndarray:
    """Return (K, K) counts: the first coder's value by row, the second coder's by column."""
    index = {value: n for n, value in enumerate(values)}
    counts = np.zeros((len(values), len(values)))
    for first, second in pairs:
        counts[index[first], index[second]] += 1
    return counts


def _kappa(counts: np.ndarray) -> np.ndarray:
    """Return κ of (…, K, K) counts; NaN where it is undefined."""
    total = counts.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.trace(counts, axis1=-2, axis2=-1) / total
        chance = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1) / total**2
        return np.where(np.isclose(chance, 1), np.nan, (observed - chance) / (1 - chance))


def _finite(value: np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True)
class MarkDifferences:
    """Statistics of one mark's differences, second coder minus first, over ``count`` expressions.

    The sign of ``mean`` shows which coder marks later.
    """

    count: int
    mean: float
    mean_absolute: float
    median_absolute: float
    largest: float


def describe_differences(values: Sequence[float]) -> MarkDifferences | None:
    """Return the statistics of these differences; None if there are none.

    >>> describe_differences([-1, 1, 3])
    MarkDifferences(count=3, mean=1.0, mean_absolute=1.6666666666666667, median_absolute=1.0, largest=3.0)
    """
    if not values:
        return None
    signed = np.asarray(values, dtype=float)
    size = np.abs(signed)
    return MarkDifferences(
        len(signed), float(signed.mean()), float(size.mean()), float(np.median(size)), float(size.max())
    )


def coder_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return each pair of coders once, in alphabetical order."""
    return list(combinations(sorted(names), 2))
