"""Label Studio: JSON with one video task per clip and timeline labels. Frames are counted from 1.

Each label is a region: the emotion from onset to offset, and below it (``parentID``) the apex, the action units, "macro"
and the marks that are not set. A Label Studio project can import the tasks if its labelling configuration has
``<TimelineLabels name="expression" toName="video">`` and ``<Video name="video" value="$video">``. Read by
``models_ml.formats.label_studio``.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mer_platform.annotation.exchange.elan import CONSENSUS
from mer_platform.annotation.exchange.rows import ExportedMarking
from mer_platform.annotation.exchange.zips import Archive
from mer_platform.annotation.marks import MARKS
from models_ml.formats import label_studio
from models_ml.formats.base import Finding
from models_ml.formats.spans import NO_EMOTION

_REGION = {"from_name": "expression", "to_name": "video", "type": "timelinelabels", "origin": "manual"}


def write(rows: Sequence[ExportedMarking]) -> bytes:
    """Return one task per clip, with one annotation per coder."""
    by_clip: defaultdict[int, defaultdict[str, list[ExportedMarking]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        by_clip[row.clip.pk][row.coder or CONSENSUS].append(row)
    tasks = [_task(number, coders) for number, coders in enumerate(by_clip.values(), 1)]
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode()


def _task(number: int, coders: dict[str, list[ExportedMarking]]) -> dict[str, Any]:
    clip = next(iter(coders.values()))[0].clip
    data = {
        "video": clip.original_name, "database": clip.database.name, "subject": clip.subject.name,
        "clip": clip.name, "frames": clip.frame_count,
    }  # fmt: skip
    annotations = [
        {"coder": coder, "was_cancelled": False, "result": [r for row in own for r in _regions(row, coder)]}
        for coder, own in sorted(coders.items())
    ]
    return {"id": number, "data": data, "annotations": annotations, "predictions": []}


def _regions(row: ExportedMarking, coder: str) -> list[dict[str, Any]]:
    marks = {name: index + 1 for name, index in row.marks().items()}
    first, last = min(marks.values(), default=1), max(marks.values(), default=1)
    spans = [(first, last, row.marking.emotion or NO_EMOTION)]
    if apex := marks.get("apex"):
        spans.append((apex, apex, "apex"))
    words = [row.marking.action_units, "macro" if row.marking.kind == "macro" else ""]
    words += [f"no {name}" for name in MARKS if name not in marks]
    spans += [(first, last, word) for word in words if word]
    own = str(uuid.uuid4())
    return [
        {
            **_REGION,
            "id": str(uuid.uuid4()) if number else own,
            **({"parentID": own} if number else {}),
            "meta": {"text": [f"{label_studio.CODER}{coder}"]},
            "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [word]},
        }
        for number, (start, end, word) in enumerate(spans)
    ]


def read(name: str, content: bytes) -> Finding:
    """Read a JSON export of Label Studio. Raises InputError if the file is not such an export."""
    return label_studio.read(Archive(name, content, (".json",)), None, frozenset())
