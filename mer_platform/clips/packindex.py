"""The stored index of a clip's frame pack, and the clip's clock: the only place that reads and writes them.

The clock is kept with the clip (recording rate, and steps between frames where they differ), so that times of many clips are
known without their pack indexes. Clips of earlier versions get it from their pack index when it is first needed.
"""

import json
from fractions import Fraction
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from models_ml.errors import InputError
from models_ml.video.clock import Clock
from models_ml.video.framenames import GAPS, gap_notes
from models_ml.video.packindex import PackIndex

SIMILAR = 0.01  # part by which two rates differ at most if they are called the same: 29.97 and 30


def read_index(clip: Clip) -> PackIndex:
    """Return the index of the clip's frame pack, at the times of the clip's clock.

    Raises
    ------
    InputError
        If the index is missing from the storage or damaged.
    """
    index = _stored(clip)
    return index.at(_learnt(clip, index) if clip.frame_steps is None else clock_of(clip))


def write_index(clip: Clip, index: PackIndex) -> None:
    """Store the index of the clip's frame pack."""
    content = json.dumps(index.to_json(), separators=(",", ":"))
    default_storage.save(clip.index_name, ContentFile(content.encode()))


def clock_of(clip: Clip) -> Clock:
    """Return when each frame of a clip was recorded. Milliseconds of all pages, exports and rules come from here.

    Raises
    ------
    InputError
        If the clip has not been ingested, or its pack index is needed and missing.
    """
    if not clip.fps:
        raise InputError(f"The times of the frames of {clip} are not known before it is ready.")
    if clip.frame_steps is None:
        return _learnt(clip, _stored(clip))
    return _parsed(clip.frame_steps, clip.fps, clip.frame_count, clip.file_fps)


def clock_fields(clock: Clock) -> dict[str, Any]:
    """Return the fields of a clip that keep its clock."""
    file_fps = str(clock.file_rate) if clock.file_rate else ""
    return {"fps": str(clock.rate), "file_fps": file_fps, "frame_steps": clock.steps_text()}


def notes_of(clip: Clip) -> list[str]:
    """Return sentences about what is hidden or odd in the clip and its times."""
    notes = list(clip.notes)
    if clip.fps and clip.frame_steps is not None:
        notes = [*clock_of(clip).notes(), *notes]
    usual = clip.database.fps
    if clip.file_fps and not clip.fps_given and usual and abs(clip.rate / usual - 1) > SIMILAR:
        notes.append(
            f"The file plays at {clip.rate:.5g} fps, but the database states {usual:.5g} fps. If it was recorded at that "
            "rate, correct its recording rate."
        )
    return notes


def _stored(clip: Clip) -> PackIndex:
    try:
        with default_storage.open(clip.index_name) as file:
            return PackIndex.from_json(json.load(file))
    except (FileNotFoundError, ValueError) as error:
        raise InputError(
            f"The frames of {clip} are missing from the storage or damaged: restore them from a backup, "
            "or upload the clip again."
        ) from error


def _learnt(clip: Clip, index: PackIndex) -> Clock:
    """Return the clock of a clip that an earlier version ingested, and keep it with the clip."""
    clock = index.clock
    if clip.fps and Fraction(clip.fps) != index.fps:
        clock = clock.rerated(Fraction(clip.fps))
    if clock.count == clip.frame_count:
        is_video = PurePath(clip.file).suffix != ".zip"
        fields = clock_fields(clock) | {"file_fps": str(index.clock.rate) if is_video else ""}
        if clip.fps and Fraction(clip.fps) == clock.rate:
            del fields["fps"]
        if not is_video and clock.steps:  # an earlier version left the gaps out of the times
            fields["notes"] = gap_notes(index.source) + [n for n in clip.notes if not n.startswith(GAPS)]
        for name, value in fields.items():
            setattr(clip, name, value)
        Clip.objects.filter(pk=clip.pk, frame_steps=None).update(**fields)
    return clock


@lru_cache(maxsize=256)
def _parsed(steps: str, fps: str, count: int, file_fps: str) -> Clock:
    return Clock.from_text(steps, Fraction(fps), count, Fraction(file_fps) if file_fps else None)
