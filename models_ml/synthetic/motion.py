"""Define how a synthetic face moves: action units as displacement fields, their profile in time, and distractors.

Action units follow Ekman and Friesen's Facial Action Coding System (1978). A field is the displacement of the skin at the
apex, for each pixel; frame *i* shows the field times ``expression_level(..., i)``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_ml.errors import InputError
from models_ml.formats.action_unit_grammar import ActionUnit
from models_ml.formats.action_units import parse_action_units as read
from models_ml.synthetic.canvas import Floats, bump, smoothstep
from models_ml.synthetic.identity import Identity, Point

Profile = Literal["minimum-jerk", "ramp", "burst"]

_INTENSITY = {"": 1.0, "A": 0.2, "B": 0.4, "C": 0.6, "D": 0.8, "E": 1.0}


@dataclass(frozen=True)
class Pull:
    """A pull of the skin around an anchor: ``outward`` from the midline and ``down``, over a Gaussian of ``sigma``."""

    anchor: str
    outward: float
    down: float
    sigma: tuple[float, float]


ACTION_UNITS: dict[int, tuple[Pull, ...]] = {
    1: (Pull("brow_inner", 0.0, -1.0, (0.17, 0.20)),),
    2: (Pull("brow_outer", 0.1, -1.0, (0.20, 0.20)),),
    4: (Pull("brow_inner", -0.45, 0.9, (0.20, 0.17)), Pull("brow_outer", -0.1, 0.35, (0.20, 0.15))),
    5: (Pull("lid_upper", 0.0, -0.6, (0.17, 0.06)),),
    6: (Pull("cheek", 0.1, -0.8, (0.24, 0.17)), Pull("lid_lower", 0.0, -0.4, (0.20, 0.07))),
    7: (Pull("lid_lower", 0.0, -0.6, (0.19, 0.06)), Pull("lid_upper", 0.0, 0.25, (0.17, 0.05))),
    9: (Pull("nose_side", -0.1, -1.0, (0.13, 0.19)), Pull("brow_inner", -0.2, 0.45, (0.16, 0.13))),
    10: (Pull("lip_upper", 0.05, -0.9, (0.16, 0.13)), Pull("nose_side", 0.0, -0.35, (0.13, 0.16))),
    12: (Pull("lip_corner", 0.75, -0.75, (0.17, 0.14)), Pull("cheek", 0.15, -0.3, (0.22, 0.16))),
    14: (Pull("lip_corner", 0.80, -0.15, (0.13, 0.12)),),
    15: (Pull("lip_corner", 0.15, 1.0, (0.15, 0.13)), Pull("chin_side", 0.0, 0.3, (0.15, 0.12))),
    17: (Pull("chin", 0.0, -0.9, (0.22, 0.14)), Pull("lip_lower", 0.0, -0.5, (0.24, 0.07))),
    20: (Pull("lip_corner", 1.0, 0.15, (0.17, 0.13)),),
    24: (Pull("lip_upper", -0.1, 0.5, (0.20, 0.06)), Pull("lip_lower", 0.0, -0.6, (0.24, 0.07))),
    25: (Pull("lip_lower", 0.0, 0.6, (0.22, 0.09)),),
    26: (Pull("chin", 0.0, 1.0, (0.42, 0.28)),),
}


def anchors(face: Identity, name: str) -> tuple[tuple[int, Point], ...]:
    """Return where a pull acts: ``(side, (x, y))`` for both sides, or once with side 0 on the midline."""
    mouth, half = face.mouth_y, face.mouth_half_width
    middle: dict[str, Point] = {
        "lip_lower": (0, mouth + 0.6 * face.lower_lip),
        "chin": (0, face.chin_y - 0.20),
    }
    if name in middle:
        return ((0, middle[name]),)
    lateral: dict[str, Point] = {
        "brow_inner": (face.eye_x - 0.15, face.brow_y),
        "brow_outer": (face.eye_x + 0.20, face.brow_y),
        "lid_upper": (face.eye_x, face.eye_y - face.eye_opening),
        "lid_lower": (face.eye_x, face.eye_y + face.eye_opening),
        "cheek": (0.52, 0.27),
        "nose_side": (0.14, 0.5 * (face.eye_y + face.nose_y)),
        "lip_upper": (0.45 * half, mouth - face.upper_lip),
        "lip_corner": (half, face.mouth_corner(1)[1]),
        "chin_side": (0.6 * half, mouth + 0.28),
    }
    x, y = lateral[name]
    return (-1, (-x, y)), (1, (x, y))


def parse_action_units(text: str) -> list[tuple[int, str, float]]:
    """Return coded action units as number, side and strength.

    Parameters
    ----------
    text
        As in coding sheets: ``"6+12"``, or ``"L14"`` for the subject's left. A unit that is weaker than the others has an
        intensity A to E of FACS: ``"12+4B"``.

    Raises
    ------
    InputError
        For an unknown unit, or another notation.

    Examples
    --------
    >>> parse_action_units("6B+L12")
    [(6, '', 0.4), (12, 'L', 1.0)]
    """
    try:
        terms = read(text)
    except ValueError:
        terms = []
    units = [term for term in terms if isinstance(term, ActionUnit) and _can_render(term)]
    if not units or len(units) < len(terms):
        known = ", ".join(map(str, ACTION_UNITS))
        raise InputError(f"Cannot render the action units {text!r}: join numbers of {known} by +.")
    return [(unit.number, unit.prefix, _INTENSITY[unit.intensity]) for unit in units]


def _can_render(unit: ActionUnit) -> bool:
    return (
        unit.certain
        and unit.number in ACTION_UNITS
        and unit.prefix in ("", "L", "R")
        and unit.intensity in _INTENSITY
    )


def expression_field(
    face: Identity, action_units: str, intensity_px: float, x: Floats, y: Floats, rng: np.random.Generator
) -> Floats:
    """Return the displacement of the skin at the apex, in frame pixels along the face's own axes.

    ``rng`` varies the strength of each unit; the two sides differ by the subject's asymmetry.

    Parameters
    ----------
    intensity_px
        Length of the longest displacement.
    x, y
        Face coordinates of the frame's pixels, (H, W).

    Returns
    -------
    NDArray
        float32 (2, H, W): to the image's right, and down.
    """
    field = np.zeros((2, *x.shape), np.float32)
    for number, only, intensity in parse_action_units(action_units):
        strength = intensity * rng.uniform(0.75, 1.25)
        for pull in ACTION_UNITS[number]:
            for side, at in anchors(face, pull.anchor):
                weight = strength * _side_weight(face, side, only)
                hill = bump(x, y, at, pull.sigma)
                field[0] += np.float32(weight * side * pull.outward) * hill
                field[1] += np.float32(weight * pull.down) * hill
    longest = float(np.sqrt((field**2).sum(axis=0)).max())
    return (field * (intensity_px / longest)).astype(np.float32)


def _side_weight(face: Identity, side: int, only: str) -> float:
    if side and only:  # coded L or R; the subject's left is the image's right
        return 1.0 if (side > 0) == (only == "L") else 0.12
    return 1 + 0.5 * face.asymmetry * side


def expression_level(
    onset: int, apex: int, offset: int, frame: int, profile: Profile = "minimum-jerk"
) -> float:
    """Return the share of the apex's displacement in ``frame``: 0 until the onset and from the offset on, 1 at the apex.

    By default rise and fall follow the minimum-jerk profile of human movement (Flash and Hogan, 1985). The others test
    programs that should not depend on it: "ramp" is linear, "burst" starts at full speed and ends slowly.

    Examples
    --------
    >>> [expression_level(10, 20, 40, i) for i in (5, 10, 15, 20, 30, 40)]
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    >>> [expression_level(10, 20, 40, i, "burst") for i in (10, 15, 20, 30, 40)]
    [0.0, 0.75, 1.0, 0.25, 0.0]
    """
    if frame == apex:
        return 1.0
    if not onset < frame < offset:
        return 0.0
    t = (frame - onset) / (apex - onset) if frame < apex else (offset - frame) / (offset - apex)
    if profile == "ramp":
        return t
    if profile == "burst":
        return 1 - (1 - t) ** 2 if frame < apex else t**2
    return t**3 * (10 - 15 * t + 6 * t**2)


def head_weight(x: Floats, y: Floats) -> Floats:
    """Return 1 on the head, which moves as one piece, falling to 0 in the background; (H, W) as ``x``."""
    r = np.sqrt((x / 1.25) ** 2 + ((y + 0.08) / 1.72) ** 2)
    return smoothstep(1.08, 0.95, r)


def head_motion(frames: int, fps: float, amount_px: float, scale: float, rng: np.random.Generator) -> Floats:
    """Return the small rigid motion of a head that is held still.

    Parameters
    ----------
    amount_px
        Standard deviation of the shift, in frame pixels.
    scale
        Frame pixels per face unit.

    Returns
    -------
    NDArray
        float32 (frames, 4): shift right and down (pixels), turn (radians) and growth (fraction); each is a sum of slow
        sinusoids of random phase.
    """
    t = np.arange(frames) / fps
    size = amount_px * np.array([1.0, 0.8, 0.35 / scale, 0.25 / scale])
    course = np.zeros((frames, 4))
    for hertz in (0.5, 1.1, 2.3):
        phase = rng.uniform(0, 2 * np.pi, 4)
        share = rng.uniform(0.5, 1.0, 4) / (1 + hertz)
        course += share * np.sin(2 * np.pi * hertz * rng.uniform(0.8, 1.25, 4) * t[:, None] + phase)
    return (course * size * 1.4).astype(np.float32)


def blink_course(
    frames: int, fps: float, chance: float, rng: np.random.Generator, margin: float = 0
) -> Floats:
    """Return how far the eyes are shut in each frame, float32 (frames,) in 0..1: one blink by ``chance``, otherwise 0.

    The lid falls in about 70 ms and rises in about 130 ms. Its lowest point is at least ``margin`` seconds from both ends.
    """
    t = np.arange(frames) / fps
    middle = rng.uniform(margin, frames / fps - margin)
    fall, rise = rng.uniform(0.055, 0.085), rng.uniform(0.10, 0.16)
    if rng.uniform() >= chance:
        return np.zeros(frames, np.float32)
    u = np.where(t < middle, (middle - t) / fall, (t - middle) / rise)
    return smoothstep(1.0, 0.15, u.astype(np.float32))


def fidget_field(amount_px: float, x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Return a slow movement that is not an expression, such as swallowing: float32 (2, H, W) pixels."""
    field = np.zeros((2, *x.shape), np.float32)
    for _ in range(3):
        at = (float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.5, 1.2)))
        size = (float(rng.uniform(0.18, 0.35)), float(rng.uniform(0.18, 0.35)))
        hill = bump(x, y, at, size)
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.0) * amount_px
        field[0] += np.float32(strength * np.cos(angle)) * hill
        field[1] += np.float32(strength * np.sin(angle)) * hill
    return field
