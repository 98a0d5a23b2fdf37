"""Make clips by warping a real photograph of a face, with an expression at known frames.

The photograph is scikit-image's ``astronaut`` (NASA, public domain). It shares nothing with ``models_ml.synthetic``: fields
are placed by landmarks, heads move at random, lids slide over the eyes, and the profiles in time are different.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from skimage.data import astronaut

from models_ml.face.detect import get_detector

SIZE = 288
NOISE = 2.0  # grey levels
# Standard deviations of the head's motion, and of lips that are not quite at rest
HEAD_PX, LIPS_PX = 1.0, 0.4
# Action units as pulls on landmarks: landmark, right, down (mirrored on the other side), radius in distances of the eyes.
UNITS = {
    "1+2": [(19, 0.0, -1.0, 0.22), (21, 0.0, -0.9, 0.2)],
    "4": [(21, 0.5, 0.8, 0.2), (19, 0.2, 0.5, 0.2)],
    "12": [(48, -0.8, -0.6, 0.2), (31, -0.3, -0.3, 0.25)],
    "15": [(48, -0.1, 1.0, 0.18), (59, 0.0, 0.4, 0.15)],
    "9+10": [(31, 0.1, -0.9, 0.18), (50, 0.0, -0.7, 0.15)],
}
_MIRROR = {19: 24, 21: 22, 48: 54, 31: 35, 59: 55, 50: 52}


@dataclass(frozen=True)
class PhotoClip:
    """A clip with ``expressions`` as (onset, apex, offset), or none; ``pixels`` is the longest displacement."""

    seed: int
    frames: int
    expressions: tuple[tuple[int, int, int], ...]
    units: str = "12"
    pixels: float = 1.5
    fps: int = 200


def photo_clip(seed: int, expression: bool = True, frames: int = 200, fps: int = 200) -> PhotoClip:
    """Return a random clip: rise of 60 to 160 ms, fall of 80 to 240 ms, 0.5 to 2.5 pixels."""
    rng = np.random.default_rng([seed, 1])
    rise, fall = int(rng.uniform(0.06, 0.16) * fps), int(rng.uniform(0.08, 0.24) * fps)
    onset = int(rng.integers(10, frames - rise - fall - 10))
    marks = ((onset, onset + rise, onset + rise + fall),) if expression else ()
    return PhotoClip(seed, frames, marks, str(rng.choice(list(UNITS))), float(rng.uniform(0.5, 2.5)), fps)


def render(clip: PhotoClip) -> Iterator[np.ndarray]:
    """Yield grey frames, uint8 (288, 288)."""
    photo, points = _photo()
    rng = np.random.default_rng([clip.seed, 2])
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    skin = _field(points, UNITS[clip.units], x, y)
    skin *= clip.pixels / np.hypot(*skin).max()
    lips = _field(points, [(48, 0.3, 0.5, 0.25), (57, 0.0, 1.0, 0.25)], x, y)
    head = _wander(rng, clip, 4) * HEAD_PX * (1, 1, 0.3 / 60, 0.25 / 60)
    restless = _wander(rng, clip, 1)[:, 0] * LIPS_PX
    shut, level = _blinks(rng, clip), _level(rng, clip)
    light = 1 + 0.01 * _wander(rng, clip, 1)[:, 0]
    middle = points.mean(axis=0)
    for i in range(clip.frames):
        eyes = _closed(photo, points, float(shut[i])) if shut[i] else photo
        right, down, turn, growth = head[i]
        dx, dy = x - middle[0], y - middle[1]
        moved = level[i] * skin + restless[i] * lips
        at_x = x - moved[0] - (right + growth * dx - turn * dy)
        at_y = y - moved[1] - (down + growth * dy + turn * dx)
        seen = cv2.remap(
            eyes,
            at_x.astype(np.float32),
            at_y.astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        noisy = seen * light[i] + rng.normal(0, NOISE, seen.shape)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _photo() -> tuple[np.ndarray, np.ndarray]:
    """Return the grey photograph, float32 (288, 288), and its landmarks, (68, 2)."""
    grey = cv2.cvtColor(astronaut()[:256, 96:352], cv2.COLOR_RGB2GRAY)
    large = cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    box = get_detector().detect(large)
    assert box is not None
    return large.astype(np.float32), get_detector().landmarks(large, box)


def _field(points: np.ndarray, pulls: list, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    unit = np.hypot(*(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
    field = np.zeros((2, *x.shape), np.float32)
    for landmark, right, down, radius in pulls:
        for at, side in ((landmark, 1), (_MIRROR.get(landmark), -1)):
            if at is not None:
                far = ((x - points[at, 0]) ** 2 + (y - points[at, 1]) ** 2) / (radius * unit) ** 2
                hill = np.exp(-far / 2)
                field += np.stack([side * right * hill, down * hill]).astype(np.float32)
    return field


def _wander(rng: np.random.Generator, clip: PhotoClip, parts: int) -> np.ndarray:
    """Return smooth noise (frames, parts) of standard deviation 1, with nothing faster than about 2.5 Hz."""
    margin = 2 * clip.fps
    noise = rng.normal(size=(clip.frames + 2 * margin, parts))
    for _ in range(2):
        noise = cv2.GaussianBlur(noise, (1, 4 * (clip.fps // 8) + 1), 0, sigmaY=0.09 * clip.fps)
    noise = noise.reshape(-1, parts)
    return ((noise - noise.mean(axis=0)) / noise.std(axis=0))[margin:-margin]


def _level(rng: np.random.Generator, clip: PhotoClip) -> np.ndarray:
    """Return half cosines, or a quick rise that fades, or straight lines, at random."""
    t = np.arange(clip.frames, dtype=float)
    level = np.zeros(clip.frames)
    for onset, apex, offset in clip.expressions:
        rise, fall = (
            np.clip((t - onset) / (apex - onset), 0, 1),
            np.clip((offset - t) / (offset - apex), 0, 1),
        )
        share = np.minimum(rise, fall)
        kind = rng.integers(3)
        if kind == 0:
            share = (1 - np.cos(np.pi * share)) / 2
        elif kind == 1:
            share = np.where(t < apex, np.sin(np.pi / 2 * rise), fall**1.5)
        level = np.maximum(level, share)
    return level


def _blinks(rng: np.random.Generator, clip: PhotoClip) -> np.ndarray:
    """Return 0 (open) to 1 (shut) for each frame: a blink in a third of the short clips, and every 3 s in long ones."""
    shut, t = np.zeros(clip.frames), np.arange(clip.frames) / clip.fps
    seconds = clip.frames / clip.fps
    middles = rng.uniform(0, seconds, 1)[: int(rng.integers(3) == 0)]
    if seconds > 3:
        middles = np.arange(1.5, seconds, 3.0) + rng.uniform(-0.5, 0.5, len(np.arange(1.5, seconds, 3.0)))
    for middle in middles:
        side = np.where(t < middle, (middle - t) / 0.08, (t - middle) / 0.16)
        shut = np.maximum(shut, np.clip(1.3 * (1 - side), 0, 1))
    return shut


def _closed(photo: np.ndarray, points: np.ndarray, shut: float) -> np.ndarray:
    """Return the photograph with the skin of the lids drawn down over the eyes."""
    drawn = photo.copy()
    for first in (36, 42):
        eye = points[first : first + 6]
        upper = np.array([eye[0], eye[1], eye[2], eye[3]])
        lower = np.array([eye[0], eye[5], eye[4], eye[3]])
        height = float(lower[1:3, 1].mean() - upper[1:3, 1].mean())
        for column in range(int(eye[0, 0]), int(eye[3, 0]) + 1):
            top = np.interp(column, upper[:, 0], upper[:, 1])
            bottom = np.interp(column, lower[:, 0], lower[:, 1])
            crease, edge = top - 1.2 * height, top + shut * (bottom - top)
            rows = np.arange(int(np.ceil(crease)), int(edge) + 1)
            source = crease + (rows - crease) * (top - crease) / max(1e-3, edge - crease)
            drawn[rows, column] = np.interp(source, np.arange(SIZE), photo[:, column])
    return drawn
