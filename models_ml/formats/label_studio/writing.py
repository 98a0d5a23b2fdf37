"""Label Studio: JSON with one video task per clip and timeline labels. Frames are counted from 1.

Each label is a region: the emotion from onset to offset, and below it (``parentID``) the apex, the action units, "macro"
and the marks that are not set. A Label Studio project can import the tasks if its labelling configuration has
``<TimelineLabels name="expression" toName="video">`` and ``<Video name="video" value="$video">``. Read by
``models_ml.formats.label_studio.reading``.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from models_ml.formats.base import MARKS, Marked, MarkedClip
from models_ml.formats.label_studio.reading import CODER
from models_ml.formats.spans import CONSENSUS, NO_EMOTION

_REGION = {"from_name": "expression", "to_name": "video", "type": "timelinelabels", "origin": "manual"}


def write(clips: Sequence[MarkedClip]) -> bytes:
    """Return one task per clip, with one annotation per coder."""
    tasks = [_task(number, clip) for number, clip in enumerate(clips, 1)]
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode()


def _task(number: int, clip: MarkedClip) -> dict[str, Any]:
    data = {
        "video": clip.file,
        "database": clip.database,
        "subject": clip.subject,
        "clip": clip.name,
        "frames": clip.frame_count,
    }
    coders: defaultdict[str, list[Marked]] = defaultdict(list)
    for marked in clip.marked:
        coders[CONSENSUS if marked.agreed else marked.coder].append(marked)
    annotations = [
        {
            "coder": coder,
            "was_cancelled": False,
            "result": [r for marked in own for r in _regions(marked, coder)],
        }
        for coder, own in sorted(coders.items())
    ]
    return {"id": number, "data": data, "annotations": annotations, "predictions": []}


def _regions(marked: Marked, coder: str) -> list[dict[str, Any]]:
    marks = {name: index + 1 for name, index in marked.marks().items()}
    first, last = min(marks.values(), default=1), max(marks.values(), default=1)
    spans = [(first, last, marked.emotion or NO_EMOTION)]
    if apex := marks.get("apex"):
        spans.append((apex, apex, "apex"))
    words = [marked.action_units, "macro" if marked.kind == "macro" else ""]
    words += [f"no {name}" for name in MARKS if name not in marks]
    spans += [(first, last, word) for word in words if word]
    own = str(uuid.uuid4())
    return [
        {
            **_REGION,
            "id": str(uuid.uuid4()) if number else own,
            **({"parentID": own} if number else {}),
            "meta": {"text": [f"{CODER}{coder}"]},
            "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [word]},
        }
        for number, (start, end, word) in enumerate(spans)
    ]
