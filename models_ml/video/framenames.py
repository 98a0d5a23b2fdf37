"""The order of frame images and the number of each frame, by their file names. Uploads and imports both use this.

Needs neither OpenCV nor NumPy.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from natsort import natsorted, ns

from models_ml.errors import InputError

# The largest number that the database stores for a frame, and far below 2**53, up to which JavaScript is exact.
MAX_FRAME_NUMBER = 2**31 - 1
GAPS = "The numbers of the frame images have gaps"  # starts the note about them
_SPANS = 6  # gaps shown in a note
_LAST_NUMBER = re.compile(r"\d+(?=\D*\Z)")


class NumberedFrame(NamedTuple):
    """The file of one frame and its source frame number."""

    name: str
    number: int


class FrameOrder(NamedTuple):
    """The frames of a clip in order; ``is_counted`` if they are numbered from 1 because their names cannot number them."""

    frames: list[NumberedFrame]
    is_counted: bool


def frame_number(path: str) -> int | None:
    """Return the last number in a file's name.

    >>> frame_number("sub01/EP02_01f/reg_img46.jpg"), frame_number("006_05562.jpg"), frame_number("cover.jpg")
    (46, 5562, None)
    >>> frame_number("img1700000000005018651.jpg")
    1700000000005018651
    """
    found = _find_number(path)
    return int(found[0]) if found else None


def order_frames(names: Iterable[str]) -> FrameOrder:
    """Return the frames of one folder in natural order of their names (img2 before img10), with their numbers.

    Numbers of any length are compared as whole numbers. If no name has a number, or the largest number is above
    ``MAX_FRAME_NUMBER`` (a time stamp in nanoseconds, for example), the frames are counted from 1 in this order.

    Raises
    ------
    InputError
        If only some names have a number, or the numbers contradict the order of the names.
    """
    ordered = _in_natural_order(list(names))
    numbers = [frame_number(name) for name in ordered]
    if all(number is None for number in numbers):
        return _counted(ordered)
    frames: list[NumberedFrame] = []
    for name, number in zip(ordered, numbers, strict=True):
        if number is None:
            raise InputError(f"The image “{name}” has no number in its name, but other images do. Rename it.")
        if frames and number <= frames[-1].number:
            raise InputError(
                f"The order of the frames is unclear: “{frames[-1].name}” comes before “{name}”, but the last "
                f"numbers in their names are {frames[-1].number} and {number}. "
                "Rename the images so that the last number rises."
            )
        frames.append(NumberedFrame(name, number))
    return FrameOrder(frames, False) if frames[-1].number <= MAX_FRAME_NUMBER else _counted(ordered)


def missing_numbers(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last number of each gap in rising numbers.

    >>> missing_numbers([46, 47, 49, 53])
    [(48, 48), (50, 52)]
    """
    return [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]


def _find_number(path: str) -> re.Match[str] | None:
    """Find the last number in the file's name without its ending."""
    end = path.rfind(".")
    return _LAST_NUMBER.search(path, path.rfind("/") + 1, end if end > path.rfind("/") + 1 else len(path))


def _in_natural_order(names: list[str]) -> list[str]:
    found = [match for name in names if (match := _find_number(name))]
    around = {(match.string[: match.start()], match.string[match.end() :]) for match in found}
    if len(found) == len(names) and len(around) == 1:
        # As nearly always, only the number differs: the same order in a fifth of the time.
        return [match.string for match in sorted(found, key=lambda match: int(match[0]))]
    return natsorted(names, alg=ns.IGNORECASE)


def gap_notes(numbers: Sequence[int]) -> list[str]:
    """Return sentences about the source frames that are missing from a clip of frame images, for the clip's notes."""
    spans = missing_numbers(numbers)
    if not spans:
        return []
    missing = sum(last - first + 1 for first, last in spans)
    shown = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in spans[:_SPANS])
    more = f" and {len(spans) - _SPANS} more gaps" if len(spans) > _SPANS else ""
    notes = [
        f"{GAPS}: {missing:,} of {missing + len(numbers):,} source frames are missing ({shown}{more}). "
        "The times run on over the gaps."
    ]
    if len(spans) == len(numbers) - 1:
        notes.append(
            "No two frame images have adjacent numbers. Check that the numbers count frames at the recording rate."
        )
    return notes


def _counted(names: list[str]) -> FrameOrder:
    return FrameOrder([NumberedFrame(name, index) for index, name in enumerate(names, start=1)], True)
