"""Paint a synthetic face once, with eyes open and shut, as a texture that is warped for each frame."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.synthetic import eyes, facial_parts, hair
from models_ml.synthetic.canvas import Canvas, Floats, octave_noise
from models_ml.synthetic.identity import Identity, generator, make_identity
from models_ml.synthetic.relief import height, lighting
from models_ml.video.frames import Image

MARGIN = 10  # frame pixels of texture beyond each edge of the frame
FINENESS = (
    4  # pixels of the luma texture per frame pixel: enough for bilinear interpolation without loss of detail
)
_PAINTED = 2  # painted pixels per frame pixel


@dataclass(frozen=True)
class Face:
    """A painted face and its position in the frames.

    Attributes
    ----------
    luma
        uint8 (4h, 4w), eyes open; (h, w) is the frame's size plus ``MARGIN`` pixels on each side.
    chroma
        uint8 (h, w, 2), both chromas of YCrCb, which need less detail.
    patches
        The two eyes, drawn into copies of both textures for a blink.
    centre
        Frame pixel (column, row) of the face's origin.
    scale
        Frame pixels per face unit.
    rotation
        (2, 2) turn from face axes to image axes.
    """

    identity: Identity
    luma: Image
    chroma: Image
    patches: tuple[eyes.EyePatch, eyes.EyePatch]
    centre: tuple[float, float]
    scale: float
    rotation: NDArray[np.float64]

    def coordinates(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Return the face coordinates (x, y) of frame pixels, in the shape of ``columns``."""
        dx, dy = (columns - self.centre[0]) / self.scale, (rows - self.centre[1]) / self.scale
        (c, minus_s), _ = self.rotation
        return (c * dx - minus_s * dy).astype(np.float32), (c * dy + minus_s * dx).astype(np.float32)


def fine_luma(painted: Image) -> Image:
    """Return the luma of a painted YCrCb image (h, w, 3), enlarged to the texture's fineness: uint8 (2h, 2w)."""
    zoom = FINENESS // _PAINTED
    luma = np.ascontiguousarray(painted[..., 0])
    size = (luma.shape[1] * zoom, luma.shape[0] * zoom)
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def coarse_chroma(painted: Image) -> Image:
    """Return both chromas of a painted YCrCb image (h, w, 3), reduced to frame pixels: uint8 (h/2, w/2, 2)."""
    chroma = np.ascontiguousarray(painted[..., 1:])
    size = (chroma.shape[1] // _PAINTED, chroma.shape[0] // _PAINTED)
    return np.asarray(cv2.resize(chroma, size, interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=4)
def painted_face(seed: int, database: str, subject: str, width: int, height_px: int) -> Face:
    """Paint one subject's face for frames of ``width`` × ``height_px`` pixels.

    The face has about 0.55 of the frame's width, or less in a wide frame, so that hair and shoulders fit.
    """
    identity = make_identity(seed, database, subject)
    scale = min(width * 0.290, height_px * 0.262)
    k = _PAINTED
    centre = (k * ((width - 1) / 2 + MARGIN), k * (height_px * 0.515 + MARGIN))
    shape = (k * (height_px + 2 * MARGIN), k * (width + 2 * MARGIN))
    canvas = Canvas.blank(*shape, centre, k * scale, identity.roll)
    images = _paint(identity, canvas, (seed, database, subject))
    opened, closed = (np.asarray(cv2.cvtColor(p, cv2.COLOR_RGB2YCrCb), np.uint8) for p in images)
    patches = tuple(eyes.EyePatch(identity, canvas, side, opened, closed) for side in (-1, 1))
    return Face(
        identity=identity,
        luma=fine_luma(opened),
        chroma=coarse_chroma(opened),
        patches=(patches[0], patches[1]),
        centre=(centre[0] / k - MARGIN, centre[1] / k - MARGIN),
        scale=scale,
        rotation=canvas.rotation,
    )


def _paint(face: Identity, canvas: Canvas, key: tuple[int, str, str]) -> tuple[Image, Image]:
    """Return the whole image with the eyes open, and with the eyes closed."""
    rng = generator("paint", *key)
    z = height(face, canvas)
    shade, gloss = lighting(face, canvas, z, octave_noise(rng, canvas.shape, (1.2, 2.0)))

    hair.paint_background(face, canvas)
    hair.paint_behind(face, canvas, rng)
    behind = canvas.rgb.copy()
    facial_parts.paint_skin(face, canvas, rng)
    facial_parts.paint_nose(face, canvas)
    facial_parts.paint_lips(face, canvas, rng)
    for side in (-1, 1):
        eyes.paint_surroundings(face, eyes.eye_part(face, canvas, side), side)
    canvas.shade(shade)
    canvas.rgb += gloss[..., None]
    facial_parts.paint_brows(face, canvas, rng, shade)
    head = facial_parts.head_mask(face, canvas)
    canvas.rgb = behind + head[..., None] * (canvas.rgb - behind)
    hair.paint_hair(face, canvas, rng, head)

    eyeless = canvas.rgb
    images = []
    for paint_eyes in (eyes.paint_open, eyes.paint_closed):
        canvas.rgb = eyeless.copy()
        for side in (-1, 1):
            part = eyes.eye_part(face, canvas, side)
            paint_eyes(face, part, side, shade[part.window])
        # No detail finer than a frame pixel: it would flicker when the face moves.
        soft = cv2.GaussianBlur(canvas.rgb, (0, 0), 0.8)
        images.append(np.round(np.clip(soft, 0, 1) * 255).astype(np.uint8))
    return images[0], images[1]
