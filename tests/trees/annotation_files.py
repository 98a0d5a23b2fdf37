"""Files that annotation tools write: an ELAN document, a Label Studio export."""

import json
from pathlib import Path
from typing import Any

from pympi.Elan import Eaf


def eaf(
    path: Path,
    tiers: dict[str, list[tuple[int, int, str]]],
    media: str = "EP02_01f.mp4",
    author: str = "anna",
) -> Path:
    """Write an ELAN document with one tier per name and a link to one video."""
    document = Eaf(author=author)
    document.remove_tier("default")
    document.add_linked_file(f"file:///recordings/{media}", mimetype="video/mp4")
    for name, annotations in tiers.items():
        document.add_tier(name)
        for start, end, text in annotations:
            document.add_annotation(name, start, end, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.to_file(str(path))
    return path


def timeline(label: str, start: int, end: int) -> dict[str, Any]:
    """Return a result of Label Studio's TimelineLabels, in 1-based frames."""
    return {
        "type": "timelinelabels",
        "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]},
    }


def label_studio(
    path: Path, *tasks: tuple[str, dict[str, list[dict[str, Any]]]], fps: float | None = None
) -> Path:
    """Write an export. ``tasks``: the video, and the results by the annotator's address. ``fps``: the stated rate."""
    content = [
        {
            "id": 100 + number,
            "data": {"video": video} | ({"fps": fps} if fps else {}),
            "annotations": [
                {
                    "id": number,
                    "completed_by": {"id": 1, "email": coder},
                    "was_cancelled": False,
                    "result": results,
                }
                for coder, results in by_coder.items()
            ],
            "predictions": [{"result": [timeline("fear", 1, 2)]}],
        }
        for number, (video, by_coder) in enumerate(tasks, 1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path
