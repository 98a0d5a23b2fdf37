"""What readers found, as short rows that tests compare."""

from typing import Any

from models_ml.formats.base import FoundClip


def codings(clip: FoundClip) -> tuple[tuple[Any, ...], ...]:
    """Return onset, apex, offset, emotion, action units, kind and row of each expression of a clip."""
    return tuple(
        (m.onset, m.apex, m.offset, m.emotion, m.action_units, m.kind, m.row) for m in clip.expressions
    )
