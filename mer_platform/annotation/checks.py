"""What can be wrong with the fields of an annotation that come from a user or a file."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mer_platform.annotation.marks import MARKS
from mer_platform.clips.models import Clip

MAX_NOTE_CHARACTERS = 2000


def check_marks(clip: Clip, onset: int | None, apex: int | None, offset: int | None) -> dict[str, list[str]]:
    """Return what is wrong with these marks in this clip, by field; empty if they are correct.

    Marks are frame indices; None is an unset mark.
    """
    errors: dict[str, list[str]] = {}
    for name, value in zip(MARKS, (onset, apex, offset), strict=True):
        if value is not None and not 0 <= value < clip.frame_count:
            errors[name] = [f"Frame {value} is not in this clip: its frames are 0–{clip.frame_count - 1}."]
    for name, messages in check_order(onset, apex, offset).items():
        errors.setdefault(name, []).extend(messages)
    return errors


def check_order(onset: int | None, apex: int | None, offset: int | None) -> dict[str, list[str]]:
    """Return which marks are not in order, by field. Marks are frame indices; None is an unset mark."""
    errors: dict[str, list[str]] = {}
    marks = zip(MARKS, (onset, apex, offset), strict=True)
    given = [(name, value) for name, value in marks if value is not None]
    for (early, a), (late, b) in pairwise(given):
        if a > b:
            errors.setdefault(late, []).append(
                f"The {late} (frame {b}) lies before the {early} (frame {a}): onset ≤ apex ≤ offset."
            )
    return errors


def check_emotion(clip: Clip, emotion: str) -> str:
    """Return what is wrong with the emotion; empty if the clip's database knows it, or does not restrict emotions."""
    return unknown_emotion(emotion, clip.database.emotions, clip.database.name)


def unknown_emotion(emotion: str, known: Sequence[str], database: str) -> str:
    """Return what is wrong with the emotion if a database knows only these; empty if it is one of them or not stated."""
    if not known or not emotion or emotion in known:
        return ""
    return f"“{emotion}” is not an emotion of {database}: {', '.join(known)}. Choose one, or add it to the database."


def check_suggestion(value: Any) -> str:
    """Return what is wrong with a suggestion that an annotation was made from; empty if it is correct or None."""
    names = {*MARKS, "confidence"}
    if value is None or (
        isinstance(value, dict)
        and set(value) == names
        and all(type(number) in (int, float) and math.isfinite(number) for number in value.values())
    ):
        return ""
    return f"A suggestion must have numbers for exactly {', '.join(sorted(names))}."
