"""Which motion features of a set are unlike the others, and why: what to look at before training on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_ml.motion.head import head_motion

UNUSUAL = 3.5  # robust z-score (Iglewicz & Hoaglin, 1993)
ENOUGH = 8  # samples below which nothing can be called unusual
_STILL = 1e-6  # longest vector of a picture that shows no motion
_TOP = 1e6  # score of what is wrong for certain: it comes first


@dataclass(frozen=True)
class Measure:
    """One number of a picture: its name, its unit, and what too much and too little of it mean."""

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
        "moves far more than the others: head motion, or an apex frame that is not the expression's",
        "hardly moves: the apex may be too near the onset",
    ),
    Measure(
        "peak",
        "Strongest motion",
        "px",
        "has a place that moves far more than the others': a blink, a hand, or a tracking error",
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
        "Likeness of the mirrored halves",
        "",
        None,
        "moves differently on its two sides: a one-sided expression, a turned head or noise",
    ),
)


@dataclass(frozen=True)
class Outlier:
    """A sample to look at: its place in the set, how unusual it is, and why, the strongest reason first."""

    place: int
    score: float
    reasons: tuple[str, ...]


def measures_of(features: NDArray[np.float32]) -> dict[str, float]:
    """The numbers that samples are compared by, of one (3, size, size) picture of u, v and strain.

    ``symmetry`` is the correlation of the left half with the mirrored right one (u changes its sign); 0 where there
    is no motion.
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
    """Measure every picture of a set and find those unlike the others of their kind.

    Parameters
    ----------
    features
        (N, 3, size, size).
    kinds
        Of each sample: "clip" or "picture", whose numbers are on different scales.
    problems
        Of each sample: why it has no picture, or None; its features are not looked at.

    Returns
    -------
    The measures of each (None where it has no numbers), and the outliers, the most unusual first. Magnitudes are
    compared by their logarithms, as they vary by factors.
    """
    wrong = list(problems) if problems is not None else [None] * len(features)
    measures: list[dict[str, float] | None] = []
    reasons: list[list[tuple[float, str]]] = []
    first_seen: dict[bytes, int] = {}
    for place, picture in enumerate(features):
        own, certain = _certainly_wrong(picture, wrong[place], place, first_seen)
        measures.append(own)
        reasons.append([(_TOP, certain)] if certain else [])
    for kind in set(kinds):
        places = [p for p, own in enumerate(measures) if own is not None and kinds[p] == kind]
        if len(places) >= ENOUGH:
            _compare(places, measures, reasons)
    found = [_outlier(place, why) for place, why in enumerate(reasons) if why]
    return measures, sorted(found, key=lambda outlier: (-outlier.score, outlier.place))


def _certainly_wrong(
    picture: NDArray[np.float32], problem: str | None, place: int, first_seen: dict[bytes, int]
) -> tuple[dict[str, float] | None, str]:
    if problem is not None:
        return None, f"has no features: {problem}"
    if not np.isfinite(picture).all():
        share = 1 - np.isfinite(picture).mean()
        return None, f"has values that are not numbers ({share:.0%} of the picture)"
    if np.abs(picture).max() < _STILL:
        return None, "shows no motion at all: onset and apex may be the same frame"
    same = first_seen.setdefault(picture.tobytes(), place)
    return measures_of(picture), "" if same == place else f"is the same picture as sample {same}, bit for bit"


def _compare(
    places: list[int], measures: list[dict[str, float] | None], reasons: list[list[tuple[float, str]]]
) -> None:
    for measure in MEASURES:
        values = np.array([(measures[place] or {})[measure.name] for place in places])
        usual = float(np.median(values))
        for place, value, z in zip(places, values, _robust_z(values, measure), strict=True):
            meaning = measure.high if z > 0 else measure.low
            if abs(z) <= UNUSUAL or meaning is None:
                continue
            unit = f" {measure.unit}" if measure.unit else ""
            numbers = f"{measure.title.lower()} {value:.3g}{unit}, usually {usual:.3g}{unit}; z = {z:+.1f}"
            reasons[place].append((abs(float(z)), f"{meaning} ({numbers})"))


def _robust_z(values: NDArray[np.float64], measure: Measure) -> NDArray[np.float64]:
    """Distance from the median, in standard deviations estimated by the median absolute deviation."""
    if measure.name != "symmetry":
        values = np.log(values + 1e-9)
    distance = values - np.median(values)
    spread = float(np.median(np.abs(distance)))
    return 0.6745 * distance / spread if spread > 0 else np.zeros_like(values)


def _outlier(place: int, reasons: list[tuple[float, str]]) -> Outlier:
    ordered = sorted(reasons, reverse=True)
    return Outlier(place, ordered[0][0], tuple(text for _, text in ordered))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 1e-12 else 0.0
