"""Separate the motion of the head from the motion of the skin on it."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.motion.flow import Flow

_GRID = 32  # the fit uses the flow averaged down to 32 × 32, to save time
_ROUNDS = 6  # of the reweighted least squares
# Bridge and tip of the nose in the unit square of an aligned crop (columns, rows): expressions move them little.
_NOSE = ((0.42, 0.58), (0.42, 0.66))

HeadMotion = Literal["none", "median", "nose", "similarity"]


def unchanged(flow: Flow) -> Flow:
    """Return the flow unchanged."""
    return flow


def without_median(flow: Flow) -> Flow:
    """Subtract the median flow, which is the head's shift: an expression moves less than half of the crop."""
    return flow - np.median(flow, axis=(1, 2), keepdims=True)


def without_nose(flow: Flow) -> Flow:
    """Subtract the median flow of the nose.

    The nose is assumed where ``face.align.similarity`` puts it, also in other crops.
    """
    height, width = flow.shape[1:]
    (left, right), (top, bottom) = _NOSE
    nose = flow[:, round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return flow - np.median(nose, axis=(1, 2), keepdims=True)


def without_head_motion(flow: Flow) -> Flow:
    """Subtract the motion of the head as one piece: shift, turn and growth in the image plane.

    The motion is the similarity that best fits the flow of the face, an ellipse that fills the crop. The least squares are
    reweighted with ``1 / (1 + (residual / median residual)²)`` (Cauchy), so that an expression, which moves only a part of
    the face, hardly counts. A pure shift gives about the median flow.

    Parameters
    ----------
    flow
        Flow of a face crop, (2, H, W) in pixels.

    Returns
    -------
    NDArray
        float32 (2, H, W).

    Examples
    --------
    >>> y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    >>> turned = np.stack([2 - 0.01 * y, 0.01 * x - 1])
    >>> float(np.abs(without_head_motion(turned)).max().round(3))
    0.0
    """
    return (flow - head_motion(flow)).astype(np.float32)


REMOVALS: dict[HeadMotion, Callable[[Flow], Flow]] = {
    "none": unchanged,
    "median": without_median,
    "nose": without_nose,
    "similarity": without_head_motion,
}


def head_motion(flow: Flow) -> NDArray[np.float64]:
    """Return the motion of the head as one piece, (2, H, W), which ``without_head_motion`` subtracts."""
    height, width = flow.shape[1:]
    small = np.stack([cv2.resize(part, (_GRID, _GRID), interpolation=cv2.INTER_AREA) for part in flow])
    x, y = _coordinates(_GRID, _GRID)
    inside = (x / 0.42) ** 2 + ((y - 0.05) / 0.5) ** 2 < 1
    u, v = small[0][inside].astype(np.float64), small[1][inside].astype(np.float64)
    fit = _fit(x[inside], y[inside], u, v)
    x, y = _coordinates(height, width)
    return np.stack([fit[0] + fit[2] * x - fit[3] * y, fit[1] + fit[2] * y + fit[3] * x])


def _coordinates(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return columns and rows of the pixel centres, −½ to ½ across the flow."""
    x = (np.arange(width) + 0.5) / width - 0.5
    y = (np.arange(height) + 0.5) / height - 0.5
    return np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))


def _fit(
    x: NDArray[np.float64], y: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return shift x, shift y, growth and turn, (4,)."""
    one, zero = np.ones_like(x), np.zeros_like(x)
    design = np.concatenate([np.stack([one, zero, x, -y], axis=1), np.stack([zero, one, y, x], axis=1)])
    target = np.concatenate([u, v])
    weight = np.ones_like(x)
    fit = np.zeros(4)
    for _ in range(_ROUNDS):
        both = np.concatenate([weight, weight])[:, None]
        fit = np.linalg.solve(design.T @ (both * design), design.T @ (both[:, 0] * target))
        residual = (target - design @ fit).reshape(2, -1)
        distance = np.hypot(residual[0], residual[1])
        weight = 1 / (1 + (distance / (np.median(distance) + 1e-6)) ** 2)
    return fit
