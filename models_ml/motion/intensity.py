"""Intensity normalisation of a pair of aligned crops, such that it cannot look like motion.

Flow takes brightness to be constant: whatever maps the two frames differently from place to place moves edges. So the
apex frame is brought to the onset frame by one curve for the whole crop, or both by the same curve at each place.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.float32]
Normalisation = Literal["none", "match", "histogram", "clahe"]

_TILES = 4  # CLAHE's tiles along each side
_CLIP = 2.0  # its limit: most that a bin may hold, as a multiple of the mean


def unchanged(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """The pair as it is."""
    return onset, apex


def match_contrast(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """The apex crop with the onset's mean and standard deviation: a lamp's flicker and a changed exposure go.

    Parameters
    ----------
    onset, apex
        Float32 (H, W) in 0..255.

    >>> onset = np.linspace(50, 100, 64, dtype=np.float32).reshape(8, 8)
    >>> float(np.abs(match_contrast(onset, onset * 1.2 + 9)[1] - onset).max().round(3))
    0.0
    """
    spread = float(apex.std())
    gain = float(onset.std()) / spread if spread > 0 else 1.0
    return onset, _bytes_range((apex - apex.mean()) * np.float32(gain) + onset.mean())


def match_histogram(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """The apex crop with the onset's histogram: its n-th darkest pixel becomes as bright as the onset's n-th darkest.

    One rising curve for the whole crop, made of 256 quantiles.
    """
    shares = np.linspace(0, 1, 256)
    curve_from, curve_to = np.quantile(apex, shares), np.quantile(onset, shares)
    rising, places = np.unique(curve_from, return_index=True)
    return onset, np.interp(apex, rising, curve_to[places]).astype(np.float32)


def even_out(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994) by the onset's curves.

    Each of 4×4 tiles of the onset crop gives a curve, and every pixel of both crops goes by the curves of the four
    tiles around it. Curves of the apex's own would differ where the expression is.
    """
    curves = _tile_curves(onset)
    return _by_curves(onset, curves), _by_curves(apex, curves)


NORMALISATIONS: dict[Normalisation, Callable[[Crop, Crop], tuple[Crop, Crop]]] = {
    "none": unchanged,
    "match": match_contrast,
    "histogram": match_histogram,
    "clahe": even_out,
}


def _tile_curves(image: Crop) -> NDArray[np.float32]:
    """(tiles, tiles, 257) brightness for each grey level 0..256 of each tile."""
    curves = np.empty((_TILES, _TILES, 257), np.float32)
    for i, rows in enumerate(np.array_split(image, _TILES, axis=0)):
        for j, tile in enumerate(np.array_split(rows, _TILES, axis=1)):
            counts = np.histogram(tile, bins=256, range=(0, 256))[0].astype(np.float64)
            limit = _CLIP * tile.size / 256
            over = np.maximum(counts - limit, 0).sum()
            shares = (np.minimum(counts, limit) + over / 256) / tile.size
            curves[i, j] = 255 * np.concatenate([[0], np.cumsum(shares)])
    return curves


def _by_curves(image: Crop, curves: NDArray[np.float32]) -> Crop:
    level = np.clip(image, 0, 255)
    low = level.astype(np.int64)
    part = (level - low).astype(np.float32)
    result = np.zeros_like(image)
    rows, columns = (_between_tiles(side) for side in image.shape)
    for i, row_weight in rows:
        for j, column_weight in columns:
            weight = row_weight[:, None] * column_weight
            here = curves[i[:, None], j[None, :]]
            dark = np.take_along_axis(here, low[..., None], axis=2)[..., 0]
            light = np.take_along_axis(here, low[..., None] + 1, axis=2)[..., 0]
            result += weight * (dark + part * (light - dark))
    return _bytes_range(result)


def _between_tiles(side: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.float32]], ...]:
    """For each pixel the tile before and the one after it, and their weights."""
    place = np.clip((np.arange(side) + 0.5) * _TILES / side - 0.5, 0, _TILES - 1)
    before = np.minimum(place.astype(np.int64), _TILES - 2)
    after = (place - before).astype(np.float32)
    return (before, 1 - after), (before + 1, after)


def _bytes_range(image: NDArray[np.float32]) -> Crop:
    return np.clip(image, 0, 255).astype(np.float32)
