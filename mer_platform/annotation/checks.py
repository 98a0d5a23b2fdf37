"""What can be wrong with marks and emotions that a user or a file gives for a clip."""

from itertools import pairwise

from mer_platform.annotation.marks import MARKS
from mer_platform.clips.models import Clip


def check_marks(clip: Clip, onset: int | None, apex: int | None, offset: int | None) -> dict[str, list[str]]:
    """Return what is wrong with these marks in this clip, by field; empty if they are correct.

    Marks are frame indices; None is an unset mark.
    """
    errors: dict[str, list[str]] = {}
    given = [
        (name, value) for name, value in zip(MARKS, (onset, apex, offset), strict=True) if value is not None
    ]
    for name, value in given:
        if not 0 <= value < clip.frame_count:
            errors.setdefault(name, []).append(
                f"Frame {value} is not in this clip: its frames are 0–{clip.frame_count - 1}."
            )
    for (early, a), (late, b) in pairwise(given):
        if a > b:
            errors.setdefault(late, []).append(
                f"The {late} (frame {b}) lies before the {early} (frame {a}): onset ≤ apex ≤ offset."
            )
    return errors


def check_emotion(clip: Clip, emotion: str) -> str:
    """Return what is wrong with the emotion; empty if the clip's database knows it, or does not restrict emotions."""
    known = clip.database.emotions
    if not known or emotion in known:
        return ""
    return f"“{emotion}” is not an emotion of {clip.database}: {', '.join(known)}. Choose one, or add it to the database."
