"""Paint the eyes of a synthetic face: open, closed, and at any stage of a blink."""

from dataclasses import dataclass

import cv2
import numpy as np

from models_ml.synthetic.canvas import Canvas, Floats, smoothstep, tinted, vector
from models_ml.synthetic.identity import Identity
from models_ml.video.frames import Image


@dataclass(frozen=True)
class Lids:
    """Heights of the lids of one eye, at the face coordinates given to ``lids``; never NaN."""

    crease: Floats
    upper: Floats
    lower: Floats
    inside: Floats  # 1 between the corners of the eye, 0 beyond


def lids(face: Identity, side: int, x: Floats) -> Lids:
    """Return the lid lines of one eye as functions of ``x``, which has any shape."""
    ex, ey = face.eye(side)
    across = side * (x - ex) / face.eye_half_width  # -1 at the inner corner, 1 at the outer
    axis = ey - face.eye_tilt * face.eye_half_width * across
    bow = np.clip(1 - across**2, 0, None)
    # The upper lid is highest a little towards the nose, the lower lid lowest a little away from it.
    upper = axis - face.eye_opening * 1.10 * bow**0.75 * (1 - 0.16 * across)
    lower = axis + face.eye_opening * 0.72 * bow**0.85 * (1 + 0.20 * across)
    crease = upper - 0.058 - 0.012 * across
    inside = smoothstep(1.30, 1.05, np.abs(across).astype(np.float32))
    return Lids(*(part.astype(np.float32) for part in (crease, upper, lower, inside)))


def _outline(face: Identity, side: int) -> tuple[Floats, Floats, Floats]:
    """Return upper lid, lower lid and crease as (n, 2) curves from the image's left to its right."""
    ex, _ = face.eye(side)
    x = (ex + face.eye_half_width * np.linspace(-1, 1, 41)).astype(np.float32)
    line = lids(face, side, x)
    upper, lower, crease = (np.stack([x, y], axis=1) for y in (line.upper, line.lower, line.crease))
    return upper, lower, crease


def eye_part(face: Identity, canvas: Canvas, side: int) -> Canvas:
    """Return the part of ``canvas`` around one eye, which contains everything that a blink can change."""
    return canvas.part(face.eye(side), (1.5 * face.eye_half_width, 0.26))


def paint_surroundings(face: Identity, part: Canvas, side: int) -> None:
    """Paint the shade under the brow, the crease of the lid and the fold below, for open and closed eyes."""
    _, lower, crease = _outline(face, side)
    dark = tinted(face.skin, 0.42)
    part.paint(0.22 * part.polygon(np.concatenate([crease, lower[::-1]]), soft=0.045), dark)
    part.paint(0.50 * part.strokes([crease[3:-2]], 0.014, soft=0.009), dark)
    part.paint(0.20 * part.strokes([lower[6:-4] + vector(0, 0.06)], 0.02, soft=0.016), dark)


def paint_open(face: Identity, part: Canvas, side: int, shade: Floats) -> None:
    """Paint eyeball, iris, pupil, lashes and the light in the eye, after the skin was lit.

    Parameters
    ----------
    part
        The canvas around the eye, from ``eye_part``.
    shade
        How brightly each of its pixels is lit, (h, w).
    """
    x, y = part.x, part.y
    ex, ey = face.eye(side)
    upper, lower, _ = _outline(face, side)
    opening = part.polygon(np.concatenate([upper, lower[::-1]]), soft=0.006)
    lit = np.clip(0.35 + 0.62 * shade, 0, 1.05)[..., None]
    rim = smoothstep(0.55, 1.0, np.abs(x - ex) / face.eye_half_width)
    white = vector(0.90, 0.885, 0.87) - rim[..., None] * vector(0.10, 0.22, 0.22)
    part.paint(opening, white * lit)

    radius = 0.43 * face.eye_half_width
    r = np.sqrt((x - ex) ** 2 + (y - ey + 0.018) ** 2) / radius
    edge = 1.5 / (radius * part.scale)
    iris = vector(*face.iris) * (0.75 + 0.55 * smoothstep(0.9, 0.4, r))[..., None]
    part.paint(opening * smoothstep(1 + edge, 1 - edge, r), iris * lit)
    part.paint(0.65 * opening * np.exp(-0.5 * ((r - 0.97) / 0.10) ** 2), (0.06, 0.05, 0.05))
    part.paint(opening * smoothstep(0.47 + edge, 0.47 - edge, r), (0.03, 0.025, 0.025))

    part.paint(0.75 * opening * part.strokes([upper], 0.035, soft=0.022), (0.10, 0.07, 0.06))
    spark = np.hypot(x - ex - 0.034 * np.sign(face.light_x), y - ey + 0.052) / 0.021
    part.paint(0.95 * opening * smoothstep(1.25, 0.6, spark), (1.0, 1.0, 0.98))
    _paint_lashes(part, side, upper, lower)


def _paint_lashes(part: Canvas, side: int, upper: Floats, lower: Floats) -> None:
    ink = (0.09, 0.065, 0.055)
    part.paint(0.90 * part.strokes([upper], 0.022, soft=0.006), ink)
    outer = upper[-1] if side > 0 else upper[0]
    flick = np.stack([outer, outer + vector(side * 0.035, -0.012)])
    part.paint(0.6 * part.strokes([flick], 0.015, soft=0.008), ink)
    part.paint(0.42 * part.strokes([lower], 0.012, soft=0.008), (0.25, 0.15, 0.12))


def paint_closed(face: Identity, part: Canvas, side: int, shade: Floats) -> None:
    """Paint shut lids: skin down to the lashes along the lower lid; parameters as for ``paint_open``."""
    upper, lower, _ = _outline(face, side)
    lid = part.polygon(np.concatenate([upper, lower[::-1]]), soft=0.010)
    tone = vector(*tinted(face.skin, 0.93, 0.87, 0.86))
    part.paint(lid, tone * np.clip(0.10 + 0.86 * shade, 0, 1.1)[..., None])
    part.paint(0.85 * part.strokes([lower], 0.020, soft=0.007), (0.13, 0.09, 0.075))


class EyePatch:
    """The pixels around one eye, drawn at any stage of a blink.

    The lid moves as skin does: the image of the closed lid is squeezed between the crease and the lid's edge.
    """

    def __init__(self, face: Identity, canvas: Canvas, side: int, opened: Image, closed: Image) -> None:
        """Take uint8 (H, W, 3) images of the whole canvas with the eyes ``opened`` and ``closed``."""
        part = eye_part(face, canvas, side)
        self.window = part.window
        self._opened = np.ascontiguousarray(opened[self.window])
        self._closed = np.ascontiguousarray(closed[self.window])
        self._y = part.y
        self._lids = lids(face, side, part.x)
        self._edge = 1.0 / canvas.scale
        shape = self._y.shape
        self._rows, self._columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        self._down = canvas.rotation[:, 1] * canvas.scale

    def at(self, shut: float) -> Image:
        """Return the patch with the eye ``shut`` from 0 (open) to 1 (closed): uint8 (h, w, 3) for ``window``."""
        if shut <= 0:
            return self._opened
        line = self._lids
        edge = line.upper + np.float32(shut) * (line.lower - line.upper)
        stretch = (line.lower - line.crease) / np.maximum(edge - line.crease, 1e-3)
        shift = np.where(self._y > line.crease, (self._y - line.crease) * (stretch - 1), 0).astype(np.float32)
        lid = cv2.remap(
            self._closed,
            self._columns + np.float32(self._down[0]) * shift,
            self._rows + np.float32(self._down[1]) * shift,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        over = smoothstep(0.026 + self._edge, 0.026 - self._edge, self._y - edge) * line.inside
        mixed: Image = np.round(
            self._opened + over[..., None] * (lid.astype(np.float32) - self._opened)
        ).astype(np.uint8)
        return mixed
