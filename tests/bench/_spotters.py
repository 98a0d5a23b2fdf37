"""The peers with which the spotter is compared."""

import cv2
import numpy as np
from skimage.feature import local_binary_pattern

from models_ml.face.align import Alignment, similarity
from models_ml.face.detect import get_detector, to_grey
from models_ml.motion.flow import dis

BLOCKS, LARGEST, HALF_SECONDS = 6, 12, 0.16
Marks = tuple[int, int, int]


def lbp(frames: list[np.ndarray], fps: float) -> Marks:
    """Spot by differences of local binary patterns (Moilanen, Zhao, Pietikäinen, ICPR 2014).

    The face is divided into 6 × 6 blocks. The histograms of uniform LBP (8 neighbours, radius 1) of each frame are compared
    by χ² with the mean of the histograms half an interval before and after. The contrast is the mean of the twelve largest
    differences, minus its own mean before and after.
    """
    alignment = _aligned(frames[0])
    histograms = np.stack([_histograms(alignment.crop(to_grey(frame))) for frame in frames])
    half, indices = max(1, round(HALF_SECONDS * fps)), np.arange(len(frames))
    before, after = np.maximum(indices - half, 0), np.minimum(indices + half, len(frames) - 1)
    around = (histograms[before] + histograms[after]) / 2
    chi = ((histograms - around) ** 2 / np.maximum(histograms + around, 1e-9)).sum(axis=2)
    difference = np.sort(chi, axis=1)[:, -LARGEST:].mean(axis=1)
    return _peak(difference - (difference[before] + difference[after]) / 2)


def flow_magnitude(frames: list[np.ndarray], fps: float) -> Marks:
    """Spot as usual scripts do: the peak of the strongest tenth of the flow from the first frame, without its median."""
    alignment = _aligned(frames[0])
    first = alignment.crop(to_grey(frames[0]))
    magnitudes = []
    for frame in frames:
        flow = dis(first, alignment.crop(to_grey(frame)))
        magnitude = np.hypot(*(flow - np.median(flow, axis=(1, 2), keepdims=True)))
        magnitudes.append(float(magnitude[magnitude >= np.quantile(magnitude, 0.9)].mean()))
    curve = cv2.GaussianBlur(
        np.array(magnitudes)[:, None], (1, 2 * round(0.06 * fps) + 1), 0, sigmaY=0.02 * fps
    ).ravel()
    return _peak(curve - curve.min())


def _aligned(frame: np.ndarray) -> Alignment:
    grey = to_grey(frame)
    box = get_detector().detect(grey)
    assert box is not None
    return similarity(get_detector().landmarks(grey, box), 128)


def _peak(curve: np.ndarray) -> Marks:
    """Return the highest frame as apex, and the nearest frames below a fifth of its height as onset and offset."""
    apex, last = int(curve.argmax()), len(curve) - 1
    low = curve < 0.2 * curve[apex]
    onset = int(np.flatnonzero(low[:apex]).max(initial=0))
    return onset, apex, int(apex + np.flatnonzero(low[apex:]).min(initial=last - apex))


def _histograms(crop: np.ndarray) -> np.ndarray:
    """Return the histogram of each block, (36, 10)."""
    codes = local_binary_pattern(crop.round().astype(np.uint8), 8, 1, "uniform").astype(int)
    parts = [part for row in np.array_split(codes, BLOCKS) for part in np.array_split(row, BLOCKS, axis=1)]
    return np.stack([np.bincount(part.ravel(), minlength=10) / part.size for part in parts])
