"""Draw flow as images for people: the colour wheel, signed components, strain."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

# The corners of the wheel, from red through yellow, green, cyan, blue and magenta to red, and the number of hues from each
# to the next: as many as the eye distinguishes.
_CORNERS = np.array([(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0)], np.float64)
_HUES = (15, 6, 4, 11, 13, 6)
# Negative to positive, from ColorBrewer's RdBu (Brewer, 2002), which people with any colour vision can distinguish.
_SIGNED = np.array([(5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31)], np.float64)


def flow_colours(flow: NDArray[np.float32], longest: float) -> Rgb:
    """Return a flow as colours: the hue is its direction, the saturation its length; no motion is white.

    Baker et al., "A database and evaluation methodology for optical flow", IJCV 2011 (the Middlebury wheel).

    Parameters
    ----------
    flow
        (2, H, W) u (to the right) and v (down).
    longest
        Length with full saturation; longer vectors are darker.

    Returns
    -------
    NDArray
        uint8 (H, W, 3) RGB, black where the flow is not a number.
    """
    known = np.asarray(np.isfinite(flow).all(axis=0))
    u, v = np.where(known, flow, 0) / max(longest, 1e-9)
    length = np.hypot(u, v)
    hues = _wheel()
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * (len(hues) - 1)
    before = position.astype(int)
    part = (position - before)[..., None]
    colour = (1 - part) * hues[before] + part * hues[(before + 1) % len(hues)]
    within = 1 - length[..., None] * (1 - colour)
    colour = np.where(length[..., None] <= 1, within, colour * 0.75)
    return np.rint(255 * colour * known[..., None]).astype(np.uint8)


def signed_colours(field: NDArray[np.float32], longest: float) -> Rgb:
    """Return a signed field (H, W) as uint8 (H, W, 3) RGB: −longest is blue, 0 white, +longest red; NaN is black."""
    known = np.isfinite(field)
    level = (np.clip(np.where(known, field, 0) / max(longest, 1e-9), -1, 1) + 1) / 2 * (len(_SIGNED) - 1)
    levels = np.arange(len(_SIGNED))
    colour = np.stack([np.interp(level, levels, _SIGNED[:, c]) for c in range(3)], axis=-1)
    return np.rint(colour * known[..., None]).astype(np.uint8)


def strain_colours(strain: NDArray[np.float32], most: float) -> Rgb:
    """Return strain (H, W) as uint8 (H, W, 3) RGB, from dark (none) to bright (``most``); NaN is grey."""
    known = np.isfinite(strain)
    level = np.rint(255 * np.clip(np.where(known, strain, 0) / max(most, 1e-9), 0, 1)).astype(np.uint8)
    colour = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.where(known[..., None], colour, np.uint8(128))


def wheel(side: int = 128) -> Rgb:
    """Return the legend of ``flow_colours``: the colour of each direction, white outside the circle."""
    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) / side * 2 - 1
    colours = flow_colours(np.stack([x, y]), 1.0)
    colours[np.hypot(x, y) > 1] = 255
    return colours


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a grey (H, W) or RGB (H, W, 3) image as a PNG file."""
    pixels = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
    return bytes(cv2.imencode(".png", pixels)[1])


@cache
def _wheel() -> NDArray[np.float64]:
    """Return the 55 hues, (55, 3) RGB in 0..1."""
    steps = zip(_CORNERS[:-1], _CORNERS[1:], _HUES, strict=True)
    return np.concatenate([a + (b - a) * np.arange(count)[:, None] / count for a, b, count in steps])
