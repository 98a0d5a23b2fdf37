"""How well coders agree: pure functions on codings, without Django.

Expressions of two coders in one clip are paired by temporal overlap; what one of them alone saw is counted, never hidden.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

MARKS = ("onset", "apex", "offset")
BOOTSTRAPS = 1000
FEWEST_CLUSTERS = 5  # with fewer, a bootstrap over them says nothing


@dataclass(frozen=True)
class Expression:
    """What one coder saw: frames (0-based), emotion, action units by number. ``source`` is whatever it was made from."""

    onset: int
    apex: int
    offset: int
    emotion: str = ""
    units: frozenset[int] = frozenset()
    source: Any = None

    @property
    def length(self) -> int:
        """Frames from onset to offset, both included."""
        return self.offset - self.onset + 1


def overlap(a: Expression, b: Expression) -> float:
    """Intersection over union of the frames from onset to offset, both included.

    >>> overlap(Expression(10, 15, 19), Expression(15, 20, 24))  # 5 frames of 15
    0.3333333333333333
    """
    both = min(a.offset, b.offset) - max(a.onset, b.onset) + 1
    return both / (a.length + b.length - both) if both > 0 else 0.0


def match(a: Sequence[Expression], b: Sequence[Expression]) -> list[tuple[int, int]]:
    """The pairs (index in ``a``, index in ``b``) of largest total overlap; only expressions that overlap are paired.

    >>> match([Expression(0, 5, 9)], [Expression(40, 45, 49), Expression(2, 6, 11)])
    [(0, 1)]
    """
    from scipy.optimize import linear_sum_assignment  # takes a second to load; most pages do without

    overlaps = np.array([[overlap(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    pairs = zip(*linear_sum_assignment(overlaps, maximize=True), strict=True)
    return [(int(i), int(j)) for i, j in pairs if overlaps[i, j] > 0]


def group(codings: Mapping[str, Sequence[Expression]]) -> list[dict[str, Expression]]:
    """The expressions of any number of coders, the same ones together, in order of time: {coder: expression} each.

    Coder after coder, each one's expressions are matched with the mean interval of the groups so far.
    """
    groups: list[dict[str, Expression]] = []
    for coder, expressions in codings.items():
        means = [_mean(list(members.values())) for members in groups]
        matched = {j: i for i, j in match(means, expressions)}
        for j, expression in enumerate(expressions):
            if j in matched:
                groups[matched[j]][coder] = expression
            else:
                groups.append({coder: expression})
    return sorted(groups, key=lambda members: _mean(list(members.values())).onset)


def _mean(expressions: list[Expression]) -> Expression:
    onset, apex, offset = (mean_frame([getattr(e, mark) for e in expressions]) for mark in MARKS)
    return Expression(onset, apex, offset)


def mean_frame(frames: Sequence[int]) -> int:
    """The rounded mean, halves up.

    >>> mean_frame([10, 11])
    11
    """
    return int(np.floor(np.mean(frames) + 0.5))


def reliability(pairs: Sequence[tuple[frozenset[int], frozenset[int]]]) -> float | None:
    """R = 2·|AU(C1) ∩ AU(C2)| / (|AU(C1)| + |AU(C2)|), counted over all pairs; None where no unit was coded.

    The CASME databases' inter-coder reliability: Yan et al. 2014, "CASME II", PLoS ONE 9(1).

    >>> reliability([(frozenset({4, 7}), frozenset({4})), (frozenset({12}), frozenset({12}))])  # 2·2 / (3 + 2)
    0.8
    """
    scored = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(len(a & b) for a, b in pairs) / scored if scored else None


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's κ of two coders' words; None where it is undefined (nothing coded, or only ever one word).

    Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    if not pairs:
        return None
    return _finite(_kappa(_counts(pairs, _words(pairs))))


def kappa_interval(
    pairs: Sequence[tuple[str, str]], clusters: Sequence[Hashable], seed: int = 0
) -> tuple[float, float] | None:
    """A 95 % interval for κ from a bootstrap over clusters (subjects: one person's expressions resemble each other).

    None with fewer than five clusters, or where κ is undefined in too many draws to say.
    """
    words, names = _words(pairs), sorted(set(clusters), key=str)
    if len(names) < FEWEST_CLUSTERS:
        return None
    tables = np.stack(
        [_counts([p for p, c in zip(pairs, clusters, strict=True) if c == name], words) for name in names]
    )
    draws = np.random.default_rng(seed).multinomial(
        len(names), [1 / len(names)] * len(names), size=BOOTSTRAPS
    )
    kappas = _kappa(np.einsum("dc,cij->dij", draws, tables))
    kappas = kappas[np.isfinite(kappas)]
    if len(kappas) < BOOTSTRAPS / 2:
        return None
    low, high = np.percentile(kappas, [2.5, 97.5])
    return float(low), float(high)


def krippendorff_alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Krippendorff's α for words, any number of coders; ``units`` are the words given to one thing each.

    A unit that fewer than two coders named does not count. None where it is undefined (nothing comparable, or only ever
    one word). Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
    """
    comparable = [Counter(words) for words in units if len(words) > 1]
    total: Counter[str] = sum(comparable, Counter())
    n = total.total()
    expected = n * n - sum(count**2 for count in total.values())
    if not expected:
        return None
    # Pairs of unlike words within a unit, each unit weighted by 1 / (coders - 1).
    observed = sum(
        (words.total() ** 2 - sum(count**2 for count in words.values())) / (words.total() - 1)
        for words in comparable
    )
    return 1 - (n - 1) * observed / expected


def _words(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return sorted({word for pair in pairs for word in pair})


def _counts(pairs: Sequence[tuple[str, str]], words: list[str]) -> np.ndarray:
    """(K, K) counts: first coder's word by row, second coder's by column."""
    place = {word: n for n, word in enumerate(words)}
    counts = np.zeros((len(words), len(words)))
    for first, second in pairs:
        counts[place[first], place[second]] += 1
    return counts


def _kappa(counts: np.ndarray) -> np.ndarray:
    """κ of (…, K, K) counts; NaN where undefined."""
    total = counts.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.trace(counts, axis1=-2, axis2=-1) / total
        chance = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1) / total**2
        return np.where(np.isclose(chance, 1), np.nan, (observed - chance) / (1 - chance))


def _finite(value: np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True)
class Difference:
    """Differences of one mark, second coder minus first, over ``count`` expressions; ``mean`` says who marks later."""

    count: int
    mean: float
    mean_absolute: float
    median_absolute: float
    largest: float


def difference(values: Sequence[float]) -> Difference | None:
    """What there is to say of these differences; None of none.

    >>> difference([-1, 1, 3])
    Difference(count=3, mean=1.0, mean_absolute=1.6666666666666667, median_absolute=1.0, largest=3.0)
    """
    if not values:
        return None
    signed = np.asarray(values, dtype=float)
    size = np.abs(signed)
    return Difference(
        len(signed), float(signed.mean()), float(size.mean()), float(np.median(size)), float(size.max())
    )


def pairs_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every two of them, each once, in order."""
    return list(combinations(sorted(names), 2))
