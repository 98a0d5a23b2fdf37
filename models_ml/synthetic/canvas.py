"""Draw in face units: soft polygons, strokes and noise on a float image.

Independent of what a face looks like. Face units have their origin between and just below the eyes, x to the right of the
image, y down, and about 1.0 from the middle of the face to its side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]  # RGB, each 0..1

_SHIFT = 4  # cv2 draws polygons with this many fractional bits


def tinted(colour: Colour, red: float, green: float | None = None, blue: float | None = None) -> Colour:
    """Return ``colour`` with its channels multiplied; ``red`` alone is the factor of all three."""
    return (
        colour[0] * red,
        colour[1] * (red if green is None else green),
        colour[2] * (red if blue is None else blue),
    )


def vector(*values: float) -> Floats:
    """Return a float32 vector, for example the factors of a colour, or a shift in face units."""
    return np.array(values, np.float32)


def smooth_curve(
    points: Sequence[tuple[float, float]], *, closed: bool = False, per_span: int = 12
) -> Floats:
    """Return a Catmull–Rom curve through ``points``.

    Returns
    -------
    NDArray
        float32 (n, 2): ``per_span`` points from each given point to the next; an open curve ends at its last point.

    Examples
    --------
    >>> smooth_curve([(0, 0), (1, 0), (2, 0)], per_span=2)[:, 0].tolist()
    [0.0, 0.4375, 1.0, 1.5625, 2.0]
    """
    p = np.asarray(points, dtype=np.float64)
    before, after = (p[-1:], p[:2]) if closed else (p[:1], p[-1:])
    q = np.concatenate([before, p, after])
    t = np.linspace(0, 1, per_span, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(q[:-3], q[1:-2], q[2:-1], q[3:], strict=True):
        spans.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    if not closed:
        spans.append(p[-1:])
    return np.concatenate(spans).astype(np.float32)


def smoothstep(low: float, high: float, x: NDArray[np.floating[Any]]) -> Floats:
    """Return 0 below ``low``, 1 above ``high``, and a smooth S between; ``low`` may be the larger one."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def bump(
    x: Floats, y: Floats, at: tuple[float, float], sigma: tuple[float, float], tilt: float = 0.0
) -> Floats:
    """Return a Gaussian hill of height 1 at ``at``, its axes turned by ``tilt`` radians."""
    dx, dy = x - np.float32(at[0]), y - np.float32(at[1])
    if tilt:
        c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
        dx, dy = c * dx + s * dy, c * dy - s * dx
    hill: Floats = np.exp(-0.5 * ((dx / np.float32(sigma[0])) ** 2 + (dy / np.float32(sigma[1])) ** 2))
    return hill


def octave_noise(rng: np.random.Generator, shape: tuple[int, int], sigmas: Sequence[float]) -> Floats:
    """Return noise of zero mean and unit variance: the equal sum of one blurred octave for each of ``sigmas`` (pixels)."""
    total = np.zeros(shape, np.float32)
    for sigma in sigmas:
        step = max(1, int(sigma / 1.5))  # coarse octaves are made small and enlarged
        small = rng.standard_normal((shape[0] // step + 4, shape[1] // step + 4), dtype=np.float32)
        blurred = cv2.GaussianBlur(small, (0, 0), sigma / step)
        layer = cv2.resize(blurred, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)[
            : shape[0], : shape[1]
        ]
        total += layer / layer.std()
    return (total - total.mean()) / total.std()


@dataclass
class Canvas:
    """A float RGB image with a face coordinate at each pixel.

    Attributes
    ----------
    rgb
        float32 (H, W, 3) in 0..1.
    x, y
        float32 (H, W): face coordinates of each pixel's centre.
    centre
        Pixel (x, y) of the face's origin.
    scale
        Pixels per face unit.
    rotation
        (2, 2) turn from face axes to image axes.
    window
        Position of a part in the canvas that it was taken from.
    """

    rgb: Floats
    x: Floats
    y: Floats
    centre: tuple[float, float]
    scale: float
    rotation: NDArray[np.float64]
    window: tuple[slice, slice] = (slice(None), slice(None))

    @classmethod
    def blank(cls, height: int, width: int, centre: tuple[float, float], scale: float, roll: float) -> Self:
        """Return a black canvas; ``roll`` turns the face clockwise (radians)."""
        c, s = np.float32(np.cos(roll)), np.float32(np.sin(roll))
        dx = ((np.arange(width, dtype=np.float32) - centre[0]) / scale)[None, :]
        dy = ((np.arange(height, dtype=np.float32) - centre[1]) / scale)[:, None]
        x, y = (c * dx + s * dy).astype(np.float32), (c * dy - s * dx).astype(np.float32)
        rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        return cls(np.zeros((height, width, 3), np.float32), x, y, centre, scale, rotation)

    def part(self, middle: tuple[float, float], half_size: tuple[float, float]) -> Self:
        """Return a canvas that shares the pixels around ``middle`` (face units) with this one.

        Its sides are at even pixels, so that it can be halved.
        """
        corners = np.array([(sx, sy) for sx in (-1, 1) for sy in (-1, 1)]) * half_size + middle
        pixels = self.to_pixels(corners.astype(np.float32))
        first = 2 * np.floor(np.maximum(pixels.min(axis=0), 0) / 2).astype(int)
        end = 2 * np.ceil((np.maximum(pixels.max(axis=0), 0) + 1) / 2).astype(int)
        columns, rows = (slice(int(a), int(b)) for a, b in zip(first, end, strict=True))
        window = (rows, columns)
        centre = (self.centre[0] - columns.start, self.centre[1] - rows.start)
        return type(self)(
            self.rgb[window], self.x[window], self.y[window], centre, self.scale, self.rotation, window
        )

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def to_pixels(self, points: Floats) -> NDArray[np.float64]:
        """Return face coordinates (n, 2) as pixel coordinates (x, y), (n, 2)."""
        return np.asarray(points, np.float64) @ self.rotation.T * self.scale + np.asarray(self.centre)

    def _fixed(self, points: Floats) -> NDArray[np.int32]:
        return np.round(self.to_pixels(points) * (1 << _SHIFT)).astype(np.int32)

    def polygon(self, points: Floats, soft: float = 0.0) -> Floats:
        """Return the coverage (H, W), 0..1, of a filled polygon whose edge is blurred by ``soft`` face units."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, _SHIFT)
        return self._softened(mask, soft)

    def strokes(self, lines: Sequence[Floats], width: float, soft: float = 0.0) -> Floats:
        """Return the coverage (H, W), 0..1, of polylines ``width`` face units wide, and at least one pixel."""
        mask = np.zeros(self.shape, np.uint8)
        thickness = max(1, round(width * self.scale))
        cv2.polylines(mask, [self._fixed(line) for line in lines], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        return self._softened(mask, soft)

    def _softened(self, mask: NDArray[np.uint8], soft: float) -> Floats:
        alpha: Floats = mask.astype(np.float32) / np.float32(255)
        sigma = soft * self.scale
        return np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32) if sigma > 0.3 else alpha

    def paint(self, alpha: Floats, colour: Colour | Floats) -> None:
        """Paint ``colour`` (one colour, or (H, W, 3)) over the image with opacity ``alpha`` (H, W)."""
        touched = np.flatnonzero(alpha.max(axis=1) > 1 / 2048)
        if not len(touched):
            return
        rows = slice(touched[0], touched[-1] + 1)
        tone = np.asarray(colour, np.float32)
        below = self.rgb[rows]
        below += alpha[rows, :, None] * ((tone[rows] if tone.ndim == 3 else tone) - below)

    def shade(self, factor: Floats) -> None:
        """Multiply the image by ``factor`` (H, W)."""
        self.rgb *= factor[..., None]
