"""Find the motion features of a set that are unlike the others, and say why: check them before training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_ml.motion.head import head_motion

UNUSUAL = 3.5  # robust z-score (Iglewicz & Hoaglin, 1993)
ENOUGH = 8  # least number of samples that can be compared
_STILL = 1e-6  # longest vector of features without motion
_TOP = 1e6  # score of what is certainly wrong, so that it comes first


@dataclass(frozen=True)
class Measure:
    """One number that describes features: its name and unit, and what a high or a low value means."""

    name: str
    title: str
    unit: str
    high: str | None
    low: str | None


MEASURES = (
    Measure(
        "magnitude",
        "Mean motion",
        "px",
        "moves far more than the others: the head moved, or the apex frame is not the apex of the expression",
        "hardly moves: the apex may be too close to the onset",
    ),
    Measure(
        "peak",
        "Strongest motion",
        "px",
        "has a spot that moves far more than in the others: a blink, a hand, or a tracking error",
        None,
    ),
    Measure(
        "head",
        "Residual head motion",
        "px",
        "still moves as one piece (shift, turn or growth): the head moved between onset and apex",
        None,
    ),
    Measure(
        "strain",
        "Strain energy",
        "",
        "is strained far more than the others: a blink, noise, compression or a change of light",
        "is hardly strained: little of the skin moved",
    ),
    Measure(
        "symmetry",
        "Symmetry of the face",
        "",
        None,
        "moves differently on its two sides: a one-sided expression, a turned head or noise",
    ),
)


@dataclass(frozen=True)
class Outlier:
    """A sample to check: its position in the set, how unusual it is, and the reasons, strongest first."""

    position: int
    score: float
    reasons: tuple[str, ...]


def measures_of(features: NDArray[np.float32]) -> dict[str, float]:
    """Return the numbers by which samples are compared, for features (3, size, size) of u, v and strain.

    ``symmetry`` is the correlation of the left half with the mirrored right half, in which u changes its sign; 0 without
    motion.
    """
    flow, strain = features[:2].astype(np.float64), features[2].astype(np.float64)
    length = np.hypot(*flow)
    half = flow.shape[2] // 2
    left = flow[:, :, :half]
    right = flow[:, :, -half:][:, :, ::-1] * np.array([-1, 1])[:, None, None]
    return {
        "magnitude": float(length.mean()),
        "peak": float(np.quantile(length, 0.99)),
        "head": float(np.sqrt((head_motion(features[:2]) ** 2).sum(axis=0).mean())),
        "strain": float((strain**2).mean()),
        "symmetry": _correlation(left.ravel(), right.ravel()),
    }


def find_outliers(
    features: NDArray[np.float32], kinds: Sequence[str], problems: Sequence[str | None] | None = None
) -> tuple[list[dict[str, float] | None], list[Outlier]]:
    """Measure the features of a set of samples, and find the samples that are unlike the others of their kind.

    Parameters
    ----------
    features
        Features of the samples, (N, 3, size, size).
    kinds
        "clip" or "picture" for each sample; the two have different scales.
    problems
        For each sample the reason why it has no features, or None. Features of samples with a reason are ignored.

    Returns
    -------
    tuple
        The measures of each sample, or None without features, and the outliers, most unusual first. Measures are compared by
        their logarithms, because they vary by factors; symmetry is compared as it is.
    """
    wrong = list(problems) if problems is not None else [None] * len(features)
    measures: list[dict[str, float] | None] = []
    reasons: list[list[tuple[float, str]]] = []
    first_seen: dict[bytes, int] = {}
    for position, own_features in enumerate(features):
        own, certain = _certainly_wrong(own_features, wrong[position], position, first_seen)
        measures.append(own)
        reasons.append([(_TOP, certain)] if certain else [])
    for kind in set(kinds):
        positions = [p for p, own in enumerate(measures) if own is not None and kinds[p] == kind]
        if len(positions) >= ENOUGH:
            _compare(positions, measures, reasons)
    found = [_outlier(position, why) for position, why in enumerate(reasons) if why]
    return measures, sorted(found, key=lambda outlier: (-outlier.score, outlier.position))


def _certainly_wrong(
    features: NDArray[np.float32], problem: str | None, position: int, first_seen: dict[bytes, int]
) -> tuple[dict[str, float] | None, str]:
    if problem is not None:
        return None, f"has no features: {problem}"
    if not np.isfinite(features).all():
        share = 1 - np.isfinite(features).mean()
        return None, f"has values that are not numbers ({share:.0%} of the features)"
    if np.abs(features).max() < _STILL:
        return None, "shows no motion at all: onset and apex may be the same frame"
    same = first_seen.setdefault(features.tobytes(), position)
    return measures_of(
        features
    ), "" if same == position else f"has exactly the same features as sample {same}"


def _compare(
    positions: list[int], measures: list[dict[str, float] | None], reasons: list[list[tuple[float, str]]]
) -> None:
    for measure in MEASURES:
        values = np.array([(measures[position] or {})[measure.name] for position in positions])
        usual = float(np.median(values))
        for position, value, z in zip(positions, values, _robust_z(values, measure), strict=True):
            meaning = measure.high if z > 0 else measure.low
            if abs(z) <= UNUSUAL or meaning is None:
                continue
            unit = f" {measure.unit}" if measure.unit else ""
            numbers = f"{measure.title.lower()} {value:.3g}{unit}, usually {usual:.3g}{unit}; z = {z:+.1f}"
            reasons[position].append((abs(float(z)), f"{meaning} ({numbers})"))


def _robust_z(values: NDArray[np.float64], measure: Measure) -> NDArray[np.float64]:
    """Return distances from the median, in standard deviations estimated by the median absolute deviation."""
    if measure.name != "symmetry":
        values = np.log(values + 1e-9)
    distance = values - np.median(values)
    spread = float(np.median(np.abs(distance)))
    return 0.6745 * distance / spread if spread > 0 else np.zeros_like(values)


def _outlier(position: int, reasons: list[tuple[float, str]]) -> Outlier:
    ordered = sorted(reasons, reverse=True)
    return Outlier(position, ordered[0][0], tuple(text for _, text in ordered))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 1e-12 else 0.0
