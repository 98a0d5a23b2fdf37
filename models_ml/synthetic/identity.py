"""Define the identity of a synthetic face: the numbers by which one face differs from another.

All lengths are in face units (see ``canvas``): half the width of an average face. ``side`` is -1 for the image's left, which
is the subject's right, and +1 for the image's right.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_ml.synthetic.canvas import Colour, Floats, smooth_curve

HairStyle = Literal["cropped", "swept", "long", "tied", "shaved"]
Point = tuple[float, float]

_SKIN: tuple[Colour, ...] = (
    (0.95, 0.81, 0.73),
    (0.91, 0.74, 0.63),
    (0.84, 0.66, 0.53),
    (0.74, 0.56, 0.43),
    (0.62, 0.45, 0.34),
    (0.53, 0.375, 0.285),
)
_HAIR: tuple[Colour, ...] = (
    (0.10, 0.085, 0.08),
    (0.17, 0.115, 0.085),
    (0.28, 0.175, 0.11),
    (0.40, 0.26, 0.15),
    (0.36, 0.16, 0.09),
    (0.62, 0.46, 0.28),
)
_IRIS: tuple[Colour, ...] = (
    (0.24, 0.14, 0.08),
    (0.33, 0.21, 0.11),
    (0.36, 0.36, 0.20),
    (0.30, 0.43, 0.52),
    (0.40, 0.46, 0.48),
)
_CLOTHES: tuple[Colour, ...] = (
    (0.20, 0.27, 0.38),
    (0.44, 0.20, 0.22),
    (0.22, 0.36, 0.31),
    (0.47, 0.44, 0.40),
    (0.28, 0.24, 0.36),
    (0.72, 0.72, 0.72),
)
_STYLES: tuple[HairStyle, ...] = ("cropped", "swept", "long", "tied", "swept", "long", "cropped", "shaved")


def generator(*key: object) -> np.random.Generator:
    """Return a random generator that depends only on ``key``, not on earlier draws or the process."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


@dataclass(frozen=True)
class Identity:
    """The geometry of one face (face units, radians), its colours, and how it shows expressions."""

    face_width: float
    jaw_width: float
    chin_y: float
    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    style: HairStyle
    hairline_y: float
    parting: float
    eye_x: float
    eye_half_width: float
    eye_opening: float
    eye_tilt: float
    brow_y: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    nose_y: float
    nose_half_width: float
    mouth_y: float
    mouth_half_width: float
    upper_lip: float
    lower_lip: float
    lip_red: float
    freckles: float
    stubble: float
    light_x: float
    light_y: float
    roll: float
    asymmetry: float
    expressiveness: float

    @property
    def eye_y(self) -> float:
        return -0.13

    def eye(self, side: int) -> Point:
        """Return the middle of an eye's opening."""
        return side * self.eye_x, self.eye_y

    def mouth_corner(self, side: int) -> Point:
        return side * self.mouth_half_width, self.mouth_y - 0.026

    def brow(self, side: int) -> Floats:
        """Return the centre line of a brow, (n, 2), from its inner to its outer end."""
        y, tilt, arch = self.brow_y, self.brow_tilt, self.brow_arch
        inner, outer = self.eye_x - 0.25, self.eye_x + 0.29
        span = outer - inner
        return smooth_curve(
            [
                (side * inner, y + 0.030 - tilt),
                (side * (inner + 0.33 * span), y - 0.35 * arch - 0.3 * tilt),
                (side * (inner + 0.66 * span), y - arch + 0.3 * tilt),
                (side * outer, y + 0.065 + tilt),
            ]
        )

    def half_width(self, y: Floats) -> Floats:
        """Return half the head's width at height ``y``: 0 above the crown and below the chin."""
        jaw, chin = self.jaw_width, self.chin_y
        profile = smooth_curve(
            [
                (-1.50, 0.0),
                (-1.44, 0.34),
                (-1.25, 0.68),
                (-0.90, 0.93),
                (-0.40, 1.0),
                (0.10, 0.985),
                (0.42, 0.93),
                (0.56 * chin, 0.815 * jaw),
                (0.74 * chin, 0.64 * jaw),
                (0.88 * chin, 0.43 * jaw),
                (0.97 * chin, 0.20 * jaw),
                (chin, 0.0),
            ]
        )
        rising = np.maximum.accumulate(profile[:, 0])
        width = np.interp(y, rising, np.maximum(profile[:, 1], 0), left=0, right=0)
        return (width * self.face_width).astype(np.float32)


def make_identity(seed: int, database: str, subject: str) -> Identity:
    """Return the face of one subject; the same arguments always give the same face."""
    rng = generator("identity", seed, database, subject)

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    tone = between(0, len(_SKIN) - 1)
    first = int(tone)
    second = min(first + 1, len(_SKIN) - 1)
    mixed = np.asarray(_SKIN[first]) * (1 - (tone - first)) + np.asarray(_SKIN[second]) * (tone - first)
    skin: Colour = (float(mixed[0]), float(mixed[1]), float(mixed[2]))
    dark = tone > 2.6
    hair = _HAIR[int(rng.integers(0, 2 if dark else len(_HAIR)))]
    iris = _IRIS[int(rng.integers(0, 2 if dark else len(_IRIS)))]
    style = _STYLES[int(rng.integers(0, len(_STYLES)))]
    return Identity(
        face_width=between(0.92, 1.03),
        jaw_width=between(0.94, 1.05),
        chin_y=between(1.30, 1.42),
        skin=skin,
        hair=hair,
        iris=iris,
        clothes=_CLOTHES[int(rng.integers(0, len(_CLOTHES)))],
        style=style,
        hairline_y=between(-1.10, -0.98),
        parting=between(-0.45, 0.45),
        eye_x=between(0.40, 0.445),
        eye_half_width=between(0.20, 0.225),
        eye_opening=between(0.082, 0.105),
        eye_tilt=between(-0.03, 0.12),
        brow_y=between(-0.475, -0.425),
        brow_thickness=between(0.045, 0.075),
        brow_arch=between(0.015, 0.05),
        brow_tilt=between(0.0, 0.035),
        nose_y=between(0.43, 0.49),
        nose_half_width=between(0.20, 0.26),
        mouth_y=between(0.80, 0.86),
        mouth_half_width=between(0.33, 0.40),
        upper_lip=between(0.065, 0.095),
        lower_lip=between(0.085, 0.125),
        lip_red=between(0.25, 0.8),
        freckles=max(0.0, between(-0.6, 0.8)) if not dark else 0.0,
        stubble=max(0.0, between(-0.5, 0.5)) if style in ("cropped", "shaved") else 0.0,
        light_x=between(-0.45, 0.45),
        light_y=between(-0.6, -0.35),
        roll=between(-0.05, 0.05),
        asymmetry=between(-0.35, 0.35),
        expressiveness=between(0.75, 1.25),
    )
