"""Label Studio: JSON with one video task per clip and timeline labels. Frames are counted from 1.

Each label is a region: the emotion from onset to offset, and below it (``parentID``) the apex, the action units, the kind,
and what the expression does not have. "No expression" is a region over the whole clip. Label Studio counts frames at a
constant rate, which the task's data states as ``fps``; a region has the number of frames and the duration at that rate. A
Label Studio project can import the tasks if its labelling configuration has ``<TimelineLabels name="expression"
toName="video">`` and ``<Video name="video" value="$video" frameRate="$fps">``. Read by
``models_ml.formats.label_studio.reading``.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import MARKS, Marked, MarkedClip
from models_ml.formats.label_studio.frame_rates import number_frames
from models_ml.formats.label_studio.names import CODER
from models_ml.formats.spans import CONSENSUS, NO_EMOTION, NO_EXPRESSION, NO_UNITS

_REGION = {"from_name": "expression", "to_name": "video", "type": "timelinelabels", "origin": "manual"}
Labels = list[tuple[int, int, str]]  # first and last frame, counted from 1, and the word


def write(clips: Sequence[MarkedClip]) -> bytes:
    """Return one task per clip, with one annotation per coder.

    Raises InputError if a clip's frames are too close together for a constant rate.
    """
    tasks = [_task(number, clip) for number, clip in enumerate(clips, 1)]
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode()


def _task(number: int, clip: MarkedClip) -> dict[str, Any]:
    try:
        rate, numbers = number_frames(clip.timing)
    except ValueError as error:
        raise InputError(
            f"Cannot export {clip} to Label Studio: {error}. Leave the clip out, or choose another format."
        ) from error
    data = {
        "video": clip.file,
        "database": clip.database,
        "subject": clip.subject,
        "clip": clip.name,
        "frames": clip.frame_count,
        "fps": _number(rate),
    }
    length = {"framesCount": numbers[-1], "duration": float(numbers[-1] / rate)}
    coders: defaultdict[str, list[Marked]] = defaultdict(list)
    for marked in clip.marked:
        coders[CONSENSUS if marked.agreed else marked.coder].append(marked)
    annotations = [
        {
            "coder": coder,
            "was_cancelled": False,
            "result": [r for marked in own for r in _regions(_labels(marked, numbers), coder, length)],
        }
        for coder, own in sorted(coders.items())
    ]
    return {"id": number, "data": data, "annotations": annotations, "predictions": []}


def _number(rate: Fraction) -> int | float:
    return rate.numerator if rate.denominator == 1 else float(rate)


def _labels(marked: Marked, numbers: Sequence[int]) -> Labels:
    """Return the labels of one expression, the expression itself first."""
    if not marked.shown:
        return [(numbers[0], numbers[-1], NO_EXPRESSION)]
    marks = {name: numbers[index] for name, index in marked.marks().items()}
    first, last = min(marks.values(), default=1), max(marks.values(), default=1)
    labels = [(first, last, marked.emotion or NO_EMOTION)]
    if apex := marks.get("apex"):
        labels.append((apex, apex, "apex"))
    words = [marked.action_units or NO_UNITS, marked.kind]
    words += [f"no {name}" for name in MARKS if name not in marks]
    return labels + [(first, last, word) for word in words]


def _regions(labels: Labels, coder: str, length: dict[str, Any]) -> list[dict[str, Any]]:
    own = str(uuid.uuid4())
    return [
        {
            **_REGION,
            "id": str(uuid.uuid4()) if number else own,
            **({"parentID": own} if number else {}),
            "meta": {"text": [f"{CODER}{coder}"]},
            "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [word], **length},
        }
        for number, (start, end, word) in enumerate(labels)
    ]
