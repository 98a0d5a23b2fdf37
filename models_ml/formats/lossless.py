"""The lossless format: all stored data of annotations, as JSON.

``{"schema": "mer-annotations", "schema_version": 1, "clips": [{database, subject, name, sha256, …, "annotations": […],
"consensus": […]}]}``. Frames are frame indices. An import finds a clip by the SHA-256 of its file. An annotation has its
key, coder, all fields, revision, times and all versions. Deleted annotations are left out.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import FIELDS, RARELY_CODED, Export, Finding, Marked, MarkedClip
from models_ml.formats.report import ImportReport

SCHEMA = "mer-annotations"
_CODED = [name for name in FIELDS if name not in RARELY_CODED]
_CONSENSUS_ORIGINS = ("adopted", "adjudicated", "imported", "synthetic")
VERSION = 1


def write(clips: Sequence[MarkedClip]) -> bytes:
    """Return the document. ``Marked.record`` holds what an annotation or a consensus has apart from its fields."""
    document = {"schema": SCHEMA, "schema_version": VERSION, "clips": [_clip(clip) for clip in clips]}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _clip(clip: MarkedClip) -> dict[str, Any]:
    return {
        "database": clip.database, "subject": clip.subject, "name": clip.name, "sha256": clip.sha256,
        "frame_count": clip.frame_count, "fps": clip.fps, "first_source_number": clip.first_source_number,
        "annotations": [_annotation(marked) for marked in clip.marked if not marked.agreed],
        "consensus": [
            {**{name: getattr(marked, name) for name in _CODED}, **(marked.record or {})}
            for marked in clip.marked
            if marked.agreed
        ],
    }  # fmt: skip


def _annotation(marked: Marked) -> dict[str, Any]:
    fields = {name: getattr(marked, name) for name in FIELDS}
    return {"key": marked.key, "coder": marked.coder, **fields, **(marked.record or {})}


def is_lossless(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def read(name: str, document: dict[str, Any]) -> Finding:
    """Return the rows of a parsed document. Raises InputError if its version is unknown or its clips are missing."""
    version, clips = document.get("schema_version"), document.get("clips")
    if version != VERSION:
        raise InputError(
            f"“{name}” has version {version!r} of the format {SCHEMA}. This platform reads version {VERSION}."
        )
    if not isinstance(clips, list):
        raise InputError(f"“{name}” has no list “clips”. Export it again.")
    parsed, report = Finding(), ImportReport()
    for number, clip in enumerate(clips, 1):
        try:
            _read_clip(name, clip, number, parsed, report)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"Cannot read this clip: {_reason(error)}."
            report.error("clip-damaged", message, file=name, row=number)
    parsed.problems = report.problems
    return parsed


def _read_clip(name: str, clip: dict[str, Any], number: int, parsed: Finding, report: ImportReport) -> None:
    names: dict[str, Any] = {key: str(clip[key]) for key in ("database", "subject", "sha256")}
    where = {"file": name, "row": number, "subject": names["subject"], "clip": str(clip["name"])}
    for position, entry in enumerate(clip["annotations"], 1):
        try:
            row = Marked(
                clip=str(clip["name"]), coder=str(entry["coder"]), unit="index", file=name, row=number, silent=frozenset(),
                key=str(uuid.UUID(entry["key"])), record=_record(entry), **names,
                **{key: entry[key] for key in FIELDS},
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"Cannot read annotation {position} of this clip: {_reason(error)}."
            report.error("annotation-damaged", message, column="annotations", **where)
        else:
            parsed.annotations.append(row)
    for entry in clip.get("consensus", []):
        record = {key: entry.get(key) for key in ("origin", "annotation", "decided_by", "decided_at")}
        if record["origin"] not in _CONSENSUS_ORIGINS:
            raise ValueError(f"{record['origin']!r} is not an origin of a consensus")
        _time(record["decided_at"])
        if record["annotation"] is not None:
            uuid.UUID(record["annotation"])
        fields = {key: entry[key] for key in _CODED}
        parsed.annotations.append(
            Marked(
                clip=str(clip["name"]),
                unit="index",
                agreed=True,
                file=name,
                row=number,
                record=record,
                **names,
                **fields,
            )
        )


def _record(entry: dict[str, Any]) -> dict[str, Any]:
    """Return revision, times and versions after checking them. Raises KeyError or ValueError if they are not usable."""
    versions = [
        {
            "revision": int(version["revision"]),
            "content": {key: version["content"][key] for key in (*FIELDS, "deleted")},
            "made_by": version["made_by"],
            "made_at": _time(version["made_at"]),
            "client": str(version["client"]),
        }
        for version in entry["versions"]
    ]
    revisions = [version["revision"] for version in versions]
    revision = int(entry["revision"])
    in_range = all(1 <= number < 1 << 31 for number in (*revisions, revision))
    if len(set(revisions)) != len(revisions) or not in_range or revisions[-1:] not in ([], [revision]):
        raise ValueError("its revisions contradict each other")
    return {
        "revision": revision,
        "created_at": _time(entry["created_at"]),
        "updated_at": _time(entry["updated_at"]),
        "versions": versions,
    }


def _time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time") from error
    return text


def _reason(error: Exception) -> str:
    return f"field {error} is missing" if isinstance(error, KeyError) else str(error)


EXPORTS = (
    Export(
        key="json",
        title="Lossless JSON",
        suffix="json",
        content_type="application/json",
        note="all stored data: versions, keys, suggestions, consensus",
        write=write,
    ),
)
