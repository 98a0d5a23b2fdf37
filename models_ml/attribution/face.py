"""The face in the aligned crop: its outline, and the regions in which action units move the skin. Imports no torch.

The outline is a mean face, so pages can draw it without showing anyone.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The 68 mean landmarks to which OpenFace aligns faces (Amos, Ludwiczuk & Satyanarayanan, CMU-CS-16-118, 2016; Apache-2.0),
# brought to the eye corners and nose of ``models_ml.face.align`` and averaged with their mirror image. x to the right, y
# down, in the unit square of the crop; the chin is below it. Eye corners and nose differ from the crop's by up to 0.024.
LANDMARKS = np.array([
    (0.028, 0.343), (0.031, 0.469), (0.043, 0.595), (0.068, 0.720), (0.116, 0.836), (0.191, 0.937), (0.282, 1.024),
    (0.384, 1.095), (0.500, 1.115), (0.616, 1.095), (0.718, 1.024), (0.809, 0.937), (0.884, 0.836), (0.932, 0.720),
    (0.957, 0.595), (0.969, 0.469), (0.972, 0.343), (0.126, 0.250), (0.185, 0.203), (0.264, 0.192), (0.345, 0.205),
    (0.422, 0.237), (0.578, 0.237), (0.655, 0.205), (0.736, 0.192), (0.815, 0.203), (0.874, 0.250), (0.500, 0.330),
    (0.500, 0.412), (0.500, 0.494), (0.500, 0.578), (0.408, 0.631), (0.452, 0.649), (0.500, 0.664), (0.548, 0.649),
    (0.592, 0.631), (0.220, 0.338), (0.269, 0.309), (0.329, 0.310), (0.380, 0.349), (0.324, 0.360), (0.266, 0.360),
    (0.620, 0.349), (0.671, 0.310), (0.731, 0.309), (0.780, 0.338), (0.734, 0.360), (0.676, 0.360), (0.317, 0.779),
    (0.383, 0.752), (0.451, 0.740), (0.500, 0.752), (0.549, 0.740), (0.617, 0.752), (0.683, 0.779), (0.619, 0.847),
    (0.553, 0.878), (0.500, 0.883), (0.447, 0.878), (0.381, 0.847), (0.345, 0.783), (0.451, 0.780), (0.500, 0.785),
    (0.549, 0.780), (0.655, 0.783), (0.550, 0.816), (0.500, 0.822), (0.450, 0.816),
])  # fmt: skip
# Parts of the outline: landmarks joined in this order.
LINES = (
    tuple(range(17)),
    tuple(range(17, 22)),
    tuple(range(22, 27)),
    tuple(range(27, 31)),
    tuple(range(31, 36)),
    (*range(36, 42), 36),
    (*range(42, 48), 42),
    (*range(48, 60), 48),
    (*range(60, 68), 60),
)


class Region(NamedTuple):
    """A part of the face, and the action units that move its skin."""

    name: str
    units: tuple[int, ...]


# Which units move which part of the face: Ekman, Friesen & Hager, "Facial Action Coding System: The Manual", 2002, where
# each unit is described by the changes of appearance that it causes.
REGIONS = (
    Region("brows and forehead", (1, 2, 4)),
    Region("eyes", (5, 6, 7, 43, 45, 46)),
    Region("nose", (9,)),
    Region("cheeks", (6, 11, 12, 13, 14)),
    Region("mouth and chin", (8, 10, *range(12, 19), 20, *range(22, 29))),
    Region("outside the face", ()),
)
REGION_NAMES = tuple(region.name for region in REGIONS)
OUTSIDE = len(REGIONS) - 1
# The prototypes of the emotions behind the classes in EMFACS (Friesen & Ekman, 1983): happiness; anger, disgust, fear and
# sadness; surprise.
PROTOTYPES = {
    "negative": (1, 2, 4, 5, 7, 9, 10, 15, 17, 20, 23, 24, 26),
    "positive": (6, 12),
    "surprise": (1, 2, 5, 26),
}


def expected_regions(label: str) -> tuple[str, ...]:
    """Return the regions in which the action units of a class's emotions move the skin.

    >>> expected_regions("positive")
    ('eyes', 'cheeks', 'mouth and chin')
    """
    return regions_of_units(PROTOTYPES.get(label, ()))


def regions_of_units(units: Iterable[int]) -> tuple[str, ...]:
    """Return the regions in which action units move the skin.

    >>> regions_of_units([4, 9])
    ('brows and forehead', 'nose')
    """
    known = set(units)
    return tuple(region.name for region in REGIONS if known.intersection(region.units))


_EYE_AXES = (0.125, 0.07)  # half axes of an eye with its lids
_BROW_LINE = 0.29  # brows and forehead are above it
_ROOT = (0.08, 0.36)  # the root of the nose, which AU 4 lowers, belongs to the brows: half width, lower end
_FOREHEAD = ((0.93, 0.15), (0.80, 0.03), (0.50, -0.02), (0.20, 0.03), (0.07, 0.15))
_NOSE = ((0.42, 0.36), (0.58, 0.36), (0.63, 0.63), (0.57, 0.69), (0.43, 0.69), (0.37, 0.63))
_MOUTH = (0.5, 0.82, 0.25, 0.13)  # lips and the skin around them: centre, half axes; the chin is below
_FINE = 4  # points per pixel and side


@lru_cache(maxsize=8)
def region_weights(size: int) -> NDArray[np.float64]:
    """Return which share of each pixel is in each region, (regions, size, size); the shares of a pixel sum to 1."""
    along = (np.arange(size * _FINE) + 0.5) / (size * _FINE)
    x, y = np.meshgrid(along, along)
    number = region_at(x, y)
    each = np.stack([number == k for k in range(len(REGIONS))]).astype(np.float64)
    return each.reshape(len(REGIONS), size, _FINE, size, _FINE).mean(axis=(2, 4))


def region_at(x: ArrayLike, y: ArrayLike) -> NDArray[np.int64]:
    """Return the position in ``REGIONS`` of points of the crop's unit square."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    found = np.full(x.shape, OUTSIDE)
    face = inside((*map(tuple, LANDMARKS[:17]), *_FOREHEAD), x, y)
    cx, cy, a, b = _MOUTH
    mouth = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1
    chin = (y > cy) & (np.abs(x - cx) < a)
    eyes = np.zeros(x.shape, dtype=bool)
    for corners in (slice(36, 42), slice(42, 48)):
        ex, ey = LANDMARKS[corners].mean(axis=0)
        eyes |= ((x - ex) / _EYE_AXES[0]) ** 2 + ((y - ey) / _EYE_AXES[1]) ** 2 < 1
    brows = (y < _BROW_LINE) | ((np.abs(x - 0.5) < _ROOT[0]) & (y < _ROOT[1]))
    found[face] = REGION_NAMES.index("cheeks")
    found[face & (mouth | chin)] = REGION_NAMES.index("mouth and chin")
    found[face & brows] = REGION_NAMES.index("brows and forehead")
    found[face & eyes] = REGION_NAMES.index("eyes")
    found[face & inside(_NOSE, x, y)] = REGION_NAMES.index("nose")
    return found


def inside(corners: ArrayLike, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points are inside a polygon, by the even–odd rule.

    >>> inside([(0, 0), (1, 0), (1, 1)], np.array([0.7, 0.2]), np.array([0.2, 0.7])).tolist()
    [True, False]
    """
    points = np.asarray(corners, dtype=np.float64)
    odd = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return odd


def shares(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how the absolute values of maps are distributed over the regions, (…, S, S) → (…, regions).

    NaN where a map is zero everywhere. The shares of a map sum to 1.
    """
    size = np.abs(values).astype(np.float64)
    within = np.einsum("...ij,rij->...r", size, region_weights(values.shape[-1]))
    total = within.sum(axis=-1, keepdims=True)
    return np.divide(within, total, out=np.full_like(within, np.nan), where=total > 0)
