"""What a model's training samples were like, and whether a new clip is like them. Needs only NumPy.

A network answers for any input. These limits say for which inputs its answers have been tested: recording rate, size of the
face, scale of the motion, and how clearly the spotter saw the expressions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

LIMITS_VERSION = 1  # raise it when a number gets another meaning
TOLERANCE = 1.25  # a value within this factor of the smallest or largest training sample is like them
LEAST_SAMPLES = 10  # of each kind; fewer say too little about a threshold
LIST_THRESHOLD = 0.5  # the least confidence that the spotter suggests to coders
MISSED_SHARE = 0.05  # of the training expressions that a threshold without counter-examples may miss
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Range:
    """Values of the training samples, and the range in which a new value is taken to be like them.

    Attributes
    ----------
    low
        Below it, a clip is unlike the training samples: the smallest one, divided by ``TOLERANCE``.
    high
        Above it, too: the largest one, times ``TOLERANCE``.
    smallest
        Of the training samples.
    largest
        Of the training samples.
    median
        Of the training samples.
    quantiles
        By share: "0.05" is the value that 5% of the samples do not exceed.
    samples
        Their number.
    """

    low: float
    high: float
    smallest: float
    largest: float
    median: float
    quantiles: Mapping[str, float]
    samples: int

    @classmethod
    def of(cls, values: Sequence[float] | ArrayLike) -> Self | None:
        """Return the range of the values; None without values.

        >>> found = Range.of([25.0, 200.0, 200.0])
        >>> found.low, found.high, found.median
        (20.0, 250.0, 200.0)
        """
        table = np.asarray(values, dtype=float)
        table = table[np.isfinite(table)]
        if not len(table):
            return None
        cuts = np.quantile(table, QUANTILES)
        return cls(
            low=_short(table.min() / TOLERANCE),
            high=_short(table.max() * TOLERANCE),
            smallest=_short(table.min()),
            largest=_short(table.max()),
            median=_short(np.median(table)),
            quantiles={f"{share:g}": _short(cut) for share, cut in zip(QUANTILES, cuts, strict=True)},
            samples=len(table),
        )


@dataclass(frozen=True)
class Threshold:
    """The spotter's confidence below which the answer is "no expression found", and how it was chosen.

    Attributes
    ----------
    value
        0 to 1.
    rule
        How it was chosen, as sentences.
    expressions
        Coded expressions whose confidence was known.
    found
        Share of them at or above the threshold; None without any.
    free
        Clips or stretches without an expression whose confidence was known.
    rejected
        Share of them below the threshold; None without any.
    quantiles
        Of the confidences of the expressions, as in ``Range``.
    """

    value: float
    rule: str
    expressions: int
    found: float | None
    free: int
    rejected: float | None
    quantiles: Mapping[str, float]


def motion_scale(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far the face moves in each of (N, 3, S, S) features: the 95% quantile of √(u² + v²) over the image.

    In pixels of the face crop, from onset to apex. A quantile, because most of a face rests and single pixels are noise.

    >>> image = np.zeros((1, 3, 10, 10), np.float32)
    >>> image[0, 0, :2], image[0, 1, :2] = 3, 4
    >>> motion_scale(image).tolist()
    [5.0]
    """
    moved = np.hypot(features[:, 0], features[:, 1]).reshape(len(features), -1)
    return np.quantile(moved.astype(float), 0.95, axis=1)


def limits_of(
    fps: Sequence[float],
    face_sizes: Sequence[float],
    motions: Sequence[float] | ArrayLike,
    expressions: Sequence[float] = (),
    free: Sequence[float] = (),
) -> dict[str, Any]:
    """Return the limits of a model as JSON stores them.

    Parameters
    ----------
    fps
        Recording rate of the clip of each training sample, in frames per second. Leave flow pictures out.
    face_sizes
        Side of the face's box in each clip, in pixels of the recording: √(width · height).
    motions
        ``motion_scale`` of the features of each sample.
    expressions, free
        As for ``threshold_of``.

    Returns
    -------
    dict
        ``version``, ``fps``, ``face_size``, ``motion`` (each as ``Range``, or None if unknown), ``no_expression_below`` and
        ``threshold`` (as ``Threshold``).
    """
    threshold = threshold_of(expressions, free)
    ranges = {"fps": Range.of(fps), "face_size": Range.of(face_sizes), "motion": Range.of(motions)}
    return {
        "version": LIMITS_VERSION,
        **{name: asdict(found) if found else None for name, found in ranges.items()},
        "no_expression_below": threshold.value,
        "threshold": asdict(threshold),
    }


def threshold_of(expressions: Sequence[float], free: Sequence[float]) -> Threshold:
    """Choose the spotter's confidence below which the answer is "no expression found".

    With enough of both, it is the threshold that best separates them: the greatest sum of the share of expressions at or
    above it and the share of expression-free material below it (Youden, Cancer 3(1), 1950). Without enough expression-free
    material it may miss at most ``MISSED_SHARE`` of the expressions, and is never above ``LIST_THRESHOLD``.

    Parameters
    ----------
    expressions
        The spotter's confidence for each coded expression of the training clips: of the clearest movement that overlaps it,
        0 if there is none.
    free
        The highest confidence in each clip that coders found to be free of expressions, and in what is left of each training
        clip outside its coded expressions.

    Examples
    --------
    >>> found = threshold_of([0.9] * 18 + [0.2] * 2, [0.1] * 15 + [0.3] * 5)
    >>> found.value, found.found, found.rejected
    (0.6, 0.9, 1.0)
    >>> threshold_of([], []).value
    0.5
    """
    seen, empty = np.sort(np.asarray(expressions, float)), np.sort(np.asarray(free, float))
    if len(seen) < LEAST_SAMPLES:
        value = LIST_THRESHOLD
        rule = (
            f"The spotter's confidence is known for {len(seen)} coded expressions of the training clips, fewer than "
            f"{LEAST_SAMPLES}. So the threshold is {LIST_THRESHOLD:g}, from which on the spotter suggests it to coders."
        )
    elif len(empty) < LEAST_SAMPLES:
        cut = float(np.quantile(seen, MISSED_SHARE, method="lower"))
        value = min(LIST_THRESHOLD, cut)
        rule = (
            f"There are {len(empty)} clips or stretches without an expression, fewer than {LEAST_SAMPLES}. So the threshold "
            f"misses at most {MISSED_SHARE:.0%} of the {len(seen)} coded expressions, and is at most {LIST_THRESHOLD:g}."
        )
    else:
        value = _best_split(seen, empty)
        rule = (
            f"The threshold that best separates {len(seen)} coded expressions of the training clips from {len(empty)} clips "
            "or stretches without one: the greatest sum of the shares on the right side (Youden 1950)."
        )
    cuts = np.quantile(seen, QUANTILES) if len(seen) else []
    return Threshold(
        value=_short(value),
        rule=rule,
        expressions=len(seen),
        found=_short((seen >= value).mean()) if len(seen) else None,
        free=len(empty),
        rejected=_short((empty < value).mean()) if len(empty) else None,
        quantiles={f"{share:g}": _short(cut) for share, cut in zip(QUANTILES, cuts, strict=False)},
    )


def warnings_of(
    limits: Mapping[str, Any],
    *,
    fps: float | None = None,
    face_size: float | None = None,
    motion: float | None = None,
) -> list[dict[str, str]]:
    """Return in what a clip is unlike the training samples, as ``{"code", "detail"}``; nothing for what is not known.

    Parameters
    ----------
    limits
        As ``limits_of`` returns them; empty if a model has none.
    fps, face_size, motion
        Of the clip, with the units of ``limits_of``.

    Examples
    --------
    >>> limits = limits_of([200.0] * 3, [280.0] * 3, [1.0, 2.0, 4.0])
    >>> [warning["code"] for warning in warnings_of(limits, fps=25, face_size=300, motion=9)]
    ['fps_out_of_range', 'motion_out_of_range']
    >>> warnings_of(limits, fps=25)[0]["detail"]
    'The clip has 25 fps. The model was trained on clips of 200 fps.'
    """
    asked = (
        ("fps", fps, "The clip has {value} fps. The model was trained on clips of {known} fps."),
        (
            "face_size",
            face_size,
            "The face in the clip is {value} pixels wide. The model was trained on faces of {known} pixels.",
        ),
        (
            "motion",
            motion,
            "The face moves by {value} pixels of the crop. In the training samples, faces moved by {known} pixels.",
        ),
    )
    found = []
    for name, value, text in asked:
        known = limits.get(name)
        if value is None or not known or known["low"] <= value <= known["high"]:
            continue
        detail = text.format(value=f"{value:.3g}", known=_span(known))
        found.append({"code": f"{name}_out_of_range", "detail": detail})
    return found


def _best_split(seen: NDArray[np.float64], empty: NDArray[np.float64]) -> float:
    """Return the middle between two neighbouring confidences; of several as good, the lowest, which misses the fewest."""
    levels = np.unique(np.concatenate([[0.0], seen, empty, [1.0]]))
    cuts = (levels[:-1] + levels[1:]) / 2
    hits = 1 - np.searchsorted(seen, cuts) / len(seen)
    rejections = np.searchsorted(empty, cuts) / len(empty)
    return float(cuts[int(np.argmax(np.round(hits + rejections, 9)))])


def _span(known: Mapping[str, Any]) -> str:
    low, high = (f"{known[end]:.3g}" for end in ("smallest", "largest"))
    return low if low == high else f"{low} to {high}"


def _short(value: Any) -> float:
    """Round to six significant digits, so that stored numbers are readable."""
    return float(f"{float(value):.6g}")
