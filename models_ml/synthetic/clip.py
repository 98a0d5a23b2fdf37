"""Specify, render and write a synthetic clip.

A face is painted once (``face``). Each frame is its texture, warped by one smooth displacement field: the sum of the
expression, the head's motion and fidgets. Light and the sensor's noise are added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from models_ml.errors import InputError
from models_ml.synthetic import motion
from models_ml.synthetic.barcode import burn_number
from models_ml.synthetic.canvas import Floats
from models_ml.synthetic.encode import encode
from models_ml.synthetic.face import FINENESS, MARGIN, Face, coarse_chroma, fine_luma, painted_face
from models_ml.synthetic.identity import generator
from models_ml.synthetic.motion import Profile
from models_ml.video.frames import Image

HEAD_MOTION_PX = 0.9  # standard deviation of the head's shift over a long time
FIDGET_PX = 0.7  # longest displacement of movements that are not expressions
BLINK_CHANCE = 0.3  # share of short clips with a blink
BLINK_SECONDS = 4.0  # a longer clip has a blink in each period of this length
NOISE = 2.0  # standard deviation of the sensor's noise, in grey levels


@dataclass(frozen=True)
class SyntheticExpression:
    """One expression of a clip that has several; the fields are described at ``ClipSpec``."""

    onset: int
    apex: int
    offset: int
    action_units: str
    intensity_px: float
    profile: Profile = "minimum-jerk"


@dataclass(frozen=True)
class ClipSpec:
    """Everything that determines a clip: the same specification always renders the same frames.

    Attributes
    ----------
    seed
        Seed of the collection. The face depends on (seed, database, subject), everything else on these and ``name``.
    container
        H.264 in mp4 and mov, Motion JPEG in avi, lossless FFV1 in mkv; numbered JPEG images in zip.
    onset, apex, offset
        0-based frame indices.
    action_units
        What moves, as coded in the databases: ``"6+12"``, ``"L14"``.
    intensity_px
        Longest displacement of the skin at the apex, in frame pixels; 0 renders a neutral clip.
    first_source_number
        Number of the first frame in a zip's file names.
    profile
        How the expression rises and falls.
    more
        Further expressions, for long recordings.
    """

    database: str
    subject: str
    name: str
    fps: float
    width: int
    height: int
    grey: bool
    container: Literal["mp4", "avi", "mkv", "mov", "zip"]
    frame_count: int
    onset: int
    apex: int
    offset: int
    emotion: str
    action_units: str
    intensity_px: float
    first_source_number: int
    seed: int
    profile: Profile = "minimum-jerk"
    more: tuple[SyntheticExpression, ...] = ()

    @property
    def expressions(self) -> tuple[SyntheticExpression, ...]:
        """All expressions of the clip, the one in its own fields first."""
        own = SyntheticExpression(
            self.onset, self.apex, self.offset, self.action_units, self.intensity_px, self.profile
        )
        return (own, *self.more)

    def __post_init__(self) -> None:
        for one in self.expressions:
            if not 0 <= one.onset < one.apex < one.offset < self.frame_count:
                raise InputError(
                    f"Clip {self.name}: onset {one.onset}, apex {one.apex} and offset {one.offset} must be in this "
                    f"order and lie within its {self.frame_count} frames (0 to {self.frame_count - 1})."
                )
        if min(self.width, self.height) < 64 or self.width % 2 or self.height % 2:
            raise InputError(
                f"Clip {self.name}: both sides must be even and at least 64 pixels; they are {self.width}×{self.height}."
            )

    def random(self, part: str) -> np.random.Generator:
        """Return the random generator of one part of this clip, independent of all other parts and clips."""
        return generator(part, self.seed, self.database, self.subject, self.name)


def spec_face(spec: ClipSpec) -> Face:
    """Return the painted face of the clip's subject, which is kept for the next clips of the subject."""
    return painted_face(spec.seed, spec.database, spec.subject, spec.width, spec.height)


def pose(spec: ClipSpec) -> tuple[Floats, Floats]:
    """Return the positions of the clip's pixels on the face at rest: columns and rows, (H, W) each, in frame pixels.

    The subject sits a little differently in each clip.
    """
    shift_x, shift_y, zoom = spec.random("pose").uniform((-3, -2.5, -0.02), (3, 2.5, 0.02))
    rows, columns = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.float32)
    half_width, half_height = (spec.width - 1) / 2, (spec.height - 1) / 2
    columns = columns + np.float32(shift_x) + np.float32(zoom) * (columns - half_width)
    rows = rows + np.float32(shift_y) + np.float32(zoom) * (rows - half_height)
    return columns.astype(np.float32), rows.astype(np.float32)


def apex_field(spec: ClipSpec, number: int = 0) -> Floats:
    """Return the true displacement from onset to apex of a clip's expression: float32 (2, H, W) pixels, right and down.

    A point of skin at p in the onset frame is at p' = p + field(p') in the apex frame. ``number`` counts the clip's
    expressions from 0.
    """
    face, shown = spec_face(spec), spec.expressions[number]
    x, y = face.coordinates(*pose(spec))
    random = spec.random(f"expression {number}" if number else "expression")
    along = motion.expression_field(face.identity, shown.action_units, shown.intensity_px, x, y, random)
    return np.einsum("ij,jhw->ihw", face.rotation.astype(np.float32), along) * motion.head_weight(x, y)


class _Warp:
    """The displacement of each frame of a clip, within the window of the image that moves."""

    def __init__(self, spec: ClipSpec, face: Face, clean: bool) -> None:
        columns, rows = pose(spec)
        x, y = face.coordinates(columns, rows)
        weight = motion.head_weight(x, y)
        inside = [np.flatnonzero((weight > 0).any(axis=axis)) for axis in (1, 0)]
        self.window = tuple(slice(int(i[0]) // 2 * 2, (int(i[-1]) + 2) // 2 * 2) for i in inside)
        dx, dy = (columns - face.centre[0]) * weight, (rows - face.centre[1]) * weight
        zero = np.zeros_like(weight)
        fidget = motion.fidget_field(FIDGET_PX, x, y, spec.random("fidget")) * weight
        rigid = [np.stack(field) for field in ((weight, zero), (zero, weight), (-dy, dx), (dx, dy))]
        expressions = [apex_field(spec, number) for number in range(len(spec.expressions))]
        # The half pixel at the end: enlarging keeps the corners of the image in place, not the centre of the first pixel.
        self.rest = np.stack([columns + MARGIN, rows + MARGIN], axis=-1) * np.float32(FINENESS) + np.float32(
            0.5
        )
        # At p, a frame shows the skin that came from p minus its displacement.
        step = self.rest[0, 1, 0] - self.rest[0, 0, 0]
        fields = [np.moveaxis(field, 0, -1)[self.window] for field in (*rigid, fidget, *expressions)]
        self._fields = [np.ascontiguousarray(field * -step) for field in fields]
        self._rest = np.ascontiguousarray(self.rest[self.window])
        self.weights = _weights(spec, face, clean)

    def map(self, frame: int) -> Floats:
        """Return the position (column, row) of each of the window's pixels in the luma texture: float32 (h, w, 2)."""
        positions = self._rest
        for weight, field in zip(self.weights[frame], self._fields, strict=True):
            if weight:  # OpenCV, not BLAS, whose last bits depend on its number of threads
                positions = np.asarray(cv2.scaleAdd(field, float(weight), positions), np.float32)
        return positions


def _weights(spec: ClipSpec, face: Face, clean: bool) -> Floats:
    """Return the weight of each field of ``_Warp`` in each frame: float32 (frames, 5 + expressions)."""
    n = spec.frame_count
    weights = np.zeros((n, 5 + len(spec.expressions)), np.float32)
    if not clean:
        weights[:, :4] = motion.head_motion(n, spec.fps, HEAD_MOTION_PX, face.scale, spec.random("head"))
        drift = spec.random("drift")
        phase, hertz = drift.uniform(0, 2 * np.pi), drift.uniform(1.0, 3.0)
        weights[:, 4] = np.sin(2 * np.pi * hertz * np.arange(n) / spec.fps + phase)
    for column, one in enumerate(spec.expressions, start=5):
        for i in range(one.onset, one.offset):
            weights[i, column] = motion.expression_level(one.onset, one.apex, one.offset, i, one.profile)
    return weights


def render(spec: ClipSpec, *, clean: bool = False) -> Iterator[Image]:
    """Yield the clip's frames: uint8 (H, W, 3) RGB, or (H, W) if the clip is grey.

    Parameters
    ----------
    clean
        Render the expression alone, without head motion, fidgets, blinks, flicker and noise.
    """
    face = spec_face(spec)
    warp = _Warp(spec, face, clean)
    texture = _Texture(face, warp, colour=not spec.grey)
    shut = _blinks(spec, 0 if clean else BLINK_CHANCE)
    sensor = _Sensor(spec)
    for i in range(spec.frame_count):
        texture.close_eyes(float(shut[i]))
        luma, chroma = texture.warped(warp.map(i))
        seen = luma if clean else sensor.expose(luma, i)
        if chroma is None:
            yield seen.copy()
        else:
            yield np.asarray(cv2.cvtColor(cv2.merge([seen, chroma]), cv2.COLOR_YCrCb2RGB), np.uint8)


def _blinks(spec: ClipSpec, chance: float) -> Floats:
    """Return how far the eyes are shut in each frame: one blink by ``chance`` in a short clip, several in a long clip."""
    random = spec.random("blink")
    stretch = round(BLINK_SECONDS * spec.fps)
    if spec.frame_count <= stretch:
        return motion.blink_course(spec.frame_count, spec.fps, chance, random)
    parts = [
        motion.blink_course(stretch, spec.fps, float(chance > 0), random, margin=0.25)
        for _ in range(0, spec.frame_count, stretch)
    ]
    return np.concatenate(parts)[: spec.frame_count]


class _Texture:
    """The face's texture during a clip, and its warped image."""

    def __init__(self, face: Face, warp: _Warp, colour: bool) -> None:
        self._face = face
        self._window = warp.window
        self._luma, self._chroma = face.luma.copy(), face.chroma.copy()
        self._shut = 0.0
        self._seen_luma = _sampled(self._luma, warp.rest)
        self._seen_chroma = _sampled_chroma(self._chroma, warp.rest) if colour else None

    def close_eyes(self, shut: float) -> None:
        if shut == self._shut:
            return
        self._shut = shut
        for patch in self._face.patches:
            drawn = patch.at(shut)
            for texture, part in ((self._luma, fine_luma(drawn)), (self._chroma, coarse_chroma(drawn))):
                zoom = part.shape[0] / drawn.shape[0]
                rows, columns = (slice(int(s.start * zoom), int(s.stop * zoom)) for s in patch.window)
                texture[rows, columns] = part

    def warped(self, positions: Floats) -> tuple[Image, Image | None]:
        """Return luma (H, W) and chroma (H, W, 2), the window sampled at ``positions``; the next call overwrites them."""
        self._seen_luma[self._window] = _sampled(self._luma, positions)
        if self._seen_chroma is not None:
            self._seen_chroma[self._window] = _sampled_chroma(self._chroma, positions)
        return self._seen_luma, self._seen_chroma


def _sampled(texture: Image, positions: Floats) -> Image:
    # OpenCV's type hints forbid the None that its manual requires; an empty array instead gives wrong pixels.
    return np.asarray(cv2.remap(texture, positions, None, cv2.INTER_LINEAR), np.uint8)  # type: ignore[call-overload]


def _sampled_chroma(chroma: Image, positions: Floats) -> Image:
    """Return chroma (h, w, 2) at ``positions`` (h, w, 2) in the luma texture, sampled at every second pixel."""
    size = (positions.shape[1], positions.shape[0])
    coarse = cv2.resize(positions, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
    # From positions in the fine texture to positions in one that is FINENESS times coarser; 0 is the first pixel's centre.
    there = np.asarray(coarse / FINENESS - 0.5 * (1 - 1 / FINENESS), np.float32)
    return np.asarray(cv2.resize(_sampled(chroma, there), size, interpolation=cv2.INTER_LINEAR), np.uint8)


class _Sensor:
    """Exposure, flickering light and noise, all in the luma.

    The clip has one sheet of noise, larger than a frame; each frame uses another part of it.
    """

    _SPARE = 48

    def __init__(self, spec: ClipSpec) -> None:
        rng = spec.random("sensor")
        shape = (spec.height + self._SPARE, spec.width + self._SPARE)
        self._sheet = rng.standard_normal(shape, dtype=np.float32) * np.float32(NOISE)
        self._offsets = rng.integers(0, self._SPARE, (spec.frame_count, 2))
        exposure, drift, phase = rng.uniform((0.94, -0.01, 0), (1.06, 0.01, 2 * np.pi))
        t = np.arange(spec.frame_count) / spec.fps
        self._gain = exposure * (1 + drift * t / t[-1] + 0.003 * np.sin(2 * np.pi * 9.7 * t + phase))

    def expose(self, luma: Image, frame: int) -> Image:
        top, left = self._offsets[frame]
        noise = self._sheet[top : top + luma.shape[0], left : left + luma.shape[1]]
        lit = cv2.LUT(luma, (np.arange(256) * self._gain[frame]).astype(np.float32))
        return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), np.uint8)


def write_clip(spec: ClipSpec, folder: Path, *, numbered: bool = False) -> Path:
    """Render and encode a clip into ``folder`` as ``<name>.<container>``, and return its path.

    Parameters
    ----------
    numbered
        Write each frame's 0-based index into its upper left corner, where ``barcode.read_number`` reads it.
    """
    frames = render(spec)
    if numbered:
        frames = (burn_number(frame, i) for i, frame in enumerate(frames))
    path = folder / f"{spec.name}.{spec.container}"
    encode(frames, path, spec.fps, image_prefix=f"{spec.subject}_", first_number=spec.first_source_number)
    return path
