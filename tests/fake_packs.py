"""Indexes of frame packs that hold no real frames."""

from fractions import Fraction
from typing import Any

from models_ml.video.packindex import PackIndex

FRAME_BYTES = 10


def fake_index(frames: int, **fields: Any) -> PackIndex:
    """An index of so many frames of ten bytes, at 200 frames per second, numbered from 1."""
    known = {
        "width": 64, "height": 48, "fps": Fraction(200), "time_base": Fraction(1, 200), "mime": "image/jpeg",
        "offsets": tuple(range(0, FRAME_BYTES * frames + 1, FRAME_BYTES)), "pts": tuple(range(frames)),
        "source": tuple(range(1, frames + 1)),
    }  # fmt: skip
    return PackIndex(**{**known, **fields})
