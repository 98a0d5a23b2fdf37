"""Normalise the intensity of a pair of aligned crops so that it cannot look like motion.

Flow assumes constant brightness, so a normalisation that treats the two frames differently from point to point moves edges.
Here either one curve brings the whole apex crop to the onset crop, or both crops use the same curve at each point.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.float32]
Normalisation = Literal["none", "match", "histogram", "clahe"]

_TILES = 4  # tiles of CLAHE along each side
_CLIP = 2.0  # its limit: the most that a bin may hold, as a multiple of the mean


def unchanged(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """Return the pair unchanged."""
    return onset, apex


def match_contrast(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """Give the apex crop the mean and standard deviation of the onset, against flickering light and changed exposure.

    Parameters
    ----------
    onset, apex
        Crops, float32 (H, W) in 0..255.

    Examples
    --------
    >>> onset = np.linspace(50, 100, 64, dtype=np.float32).reshape(8, 8)
    >>> float(np.abs(match_contrast(onset, onset * 1.2 + 9)[1] - onset).max().round(3))
    0.0
    """
    spread = float(apex.std())
    gain = float(onset.std()) / spread if spread > 0 else 1.0
    return onset, _bytes_range((apex - apex.mean()) * np.float32(gain) + onset.mean())


def match_histogram(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """Give the apex crop the histogram of the onset: its n-th darkest pixel becomes as bright as the onset's n-th darkest.

    One rising curve for the whole crop, from 256 quantiles.
    """
    shares = np.linspace(0, 1, 256)
    curve_from, curve_to = np.quantile(apex, shares), np.quantile(onset, shares)
    rising, places = np.unique(curve_from, return_index=True)
    return onset, np.interp(apex, rising, curve_to[places]).astype(np.float32)


def even_out(onset: Crop, apex: Crop) -> tuple[Crop, Crop]:
    """Apply contrast-limited adaptive histogram equalisation with the onset's curves to both crops.

    Zuiderveld, Graphics Gems IV, 1994. Each of 4×4 tiles of the onset crop gives a curve, and each pixel of both crops uses
    the curves of the four tiles around it. Curves of the apex crop itself would differ at the expression.
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
    """Return the brightness of each grey level 0..256 in each tile, (tiles, tiles, 257)."""
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
    """Return for each pixel the tile before it and the tile after it, with their weights."""
    position = np.clip((np.arange(side) + 0.5) * _TILES / side - 0.5, 0, _TILES - 1)
    before = np.minimum(position.astype(np.int64), _TILES - 2)
    after = (position - before).astype(np.float32)
    return (before, 1 - after), (before + 1, after)


def _bytes_range(image: NDArray[np.float32]) -> Crop:
    return np.clip(image, 0, 255).astype(np.float32)
