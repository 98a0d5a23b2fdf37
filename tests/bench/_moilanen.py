"""The peer: spotting by differences of local binary patterns (Moilanen, Zhao, Pietikäinen, ICPR 2014).

The face is cut into 6 × 6 blocks; each frame's histograms of uniform LBP (8 neighbours, radius 1) are compared by χ²
with the mean of those half an interval before and after. The mean of the twelve largest differences, less its own mean
before and after, is the contrast; its highest point is the apex. Onset and offset, which the paper does not give,
are where the contrast falls below a fifth of it.
"""

import numpy as np
from skimage.feature import local_binary_pattern

from models_ml.face.align import similarity
from models_ml.face.detect import get_detector, to_grey

BLOCKS, LARGEST, HALF_SECONDS = 6, 12, 0.16


def spot(frames: list[np.ndarray], fps: float) -> tuple[int, int, int]:
    """Onset, apex and offset of the strongest movement in RGB or grey frames."""
    first = to_grey(frames[0])
    box = get_detector().detect(first)
    assert box is not None
    alignment = similarity(get_detector().landmarks(first, box), 128)
    histograms = np.stack([_histograms(alignment.crop(to_grey(frame))) for frame in frames])
    half, last = max(1, round(HALF_SECONDS * fps)), len(frames) - 1
    indices = np.arange(len(frames))
    before, after = np.maximum(indices - half, 0), np.minimum(indices + half, last)
    around = (histograms[before] + histograms[after]) / 2
    chi = ((histograms - around) ** 2 / np.maximum(histograms + around, 1e-9)).sum(axis=2)
    difference = np.sort(chi, axis=1)[:, -LARGEST:].mean(axis=1)
    contrast = difference - (difference[before] + difference[after]) / 2
    apex = int(contrast.argmax())
    low = contrast < 0.2 * contrast[apex]
    return (
        int(np.flatnonzero(low[:apex]).max(initial=0)),
        apex,
        int(apex + np.flatnonzero(low[apex:]).min(initial=last - apex)),
    )


def _histograms(crop: np.ndarray) -> np.ndarray:
    """(36, 10)"""
    codes = local_binary_pattern(crop.round().astype(np.uint8), 8, 1, "uniform").astype(int)
    parts = [part for row in np.array_split(codes, BLOCKS) for part in np.array_split(row, BLOCKS, axis=1)]
    return np.stack([np.bincount(part.ravel(), minlength=10) / part.size for part in parts])
