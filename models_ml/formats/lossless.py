"""The lossless format: all stored data of annotations, as JSON.

``{"schema": "mer-annotations", "schema_version": 2, "clips": [{database, subject, name, sha256, …, "annotations": […],
"codings": […], "consensus": […], "judgement": …}]}``. Frames are frame indices. An import finds a clip by the SHA-256 of its
file. An annotation has its key, coder, all fields, revision, times and all versions. Deleted annotations are left out.

``codings`` lists the coders who are done with the clip, and when: one of them without annotations states that the clip shows
no expression. ``judgement`` is who decided on the consensus, and when; without consensus, it is the decision that the clip
shows no expression. Files of version 1 have neither.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import FIELDS, RARELY_CODED, Export, Finding, Marked, MarkedClip, no_expression
from models_ml.formats.report import ImportReport

SCHEMA = "mer-annotations"
_CODED = [name for name in FIELDS if name not in RARELY_CODED]
_CONSENSUS_ORIGINS = ("adopted", "adjudicated", "imported", "synthetic")
VERSION = 2
_READ = (1, 2)  # versions
_HELD_BY_CLIP = frozenset({"done_at", "judgement"})  # of a record


def write(clips: Sequence[MarkedClip]) -> bytes:
    """Return the document. ``Marked.record`` holds what an annotation or a consensus has apart from its fields.

    Of an annotation, and of the statement that a clip shows no expression, it also has ``done_at``: when the coder was done
    with the clip. Of a consensus it has ``judgement``; of a judge's decision that there is none, that is the whole record.
    """
    document = {"schema": SCHEMA, "schema_version": VERSION, "clips": [_clip(clip) for clip in clips]}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _clip(clip: MarkedClip) -> dict[str, Any]:
    coded = [marked for marked in clip.marked if not marked.agreed]
    agreed = [marked for marked in clip.marked if marked.agreed]
    done = {m.coder: m.record["done_at"] for m in coded if m.record and m.record.get("done_at")}
    done |= {marked.coder: done.get(marked.coder) for marked in coded if not marked.shown}
    judgements = [_record_of(m).get("judgement") if m.shown else m.record for m in agreed]
    return {
        "database": clip.database, "subject": clip.subject, "name": clip.name, "sha256": clip.sha256,
        "frame_count": clip.frame_count, "fps": clip.fps, "first_source_number": clip.first_source_number,
        "annotations": [_annotation(marked) for marked in coded if marked.shown],
        "codings": [{"coder": coder, "done_at": done_at} for coder, done_at in sorted(done.items())],
        "consensus": [
            {**{name: getattr(marked, name) for name in _CODED}, **_own_record(marked)}
            for marked in agreed
            if marked.shown
        ],
        "judgement": next((dict(judgement) for judgement in judgements if judgement), None)
        or ({"decided_by": None, "decided_at": None} if any(not m.shown for m in agreed) else None),
    }  # fmt: skip


def _annotation(marked: Marked) -> dict[str, Any]:
    fields = {name: getattr(marked, name) for name in FIELDS}
    return {"key": marked.key, "coder": marked.coder, **fields, **_own_record(marked)}


def _record_of(marked: Marked) -> Mapping[str, Any]:
    return marked.record or {}


def _own_record(marked: Marked) -> dict[str, Any]:
    return {name: value for name, value in _record_of(marked).items() if name not in _HELD_BY_CLIP}


def is_lossless(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def read(name: str, document: dict[str, Any]) -> Finding:
    """Return the rows of a parsed document. Raises InputError if its version is unknown or its clips are missing."""
    version, clips = document.get("schema_version"), document.get("clips")
    if version not in _READ:
        raise InputError(
            f"“{name}” has version {version!r} of the format {SCHEMA}. This platform reads versions "
            f"{' and '.join(map(str, _READ))}."
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
    source = Marked(clip=str(clip["name"]), unit="index", file=name, row=number, **names)
    done = {str(coding["coder"]): _time_or_none(coding["done_at"]) for coding in clip.get("codings", [])}
    unseen = dict(done)
    for position, entry in enumerate(clip["annotations"], 1):
        try:
            row = replace(
                source, coder=str(entry["coder"]), silent=frozenset(), key=str(uuid.UUID(entry["key"])),
                record={**_record(entry), "done_at": done.get(str(entry["coder"]))},
                **{key: entry[key] for key in FIELDS},
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"Cannot read annotation {position} of this clip: {_reason(error)}."
            report.error("annotation-damaged", message, column="annotations", **source.where())
        else:
            parsed.annotations.append(row)
        if isinstance(entry, dict):  # also a damaged one shows that the coder saw an expression
            unseen.pop(str(entry.get("coder")), None)
    parsed.annotations += [
        replace(no_expression(source), coder=coder, record={"done_at": done_at})
        for coder, done_at in unseen.items()
    ]
    parsed.annotations += _agreed(clip, source)


def _agreed(clip: dict[str, Any], source: Marked) -> Iterator[Marked]:
    """Yield the consensus of a clip, or the decision that it shows no expression."""
    judgement = clip.get("judgement")
    if judgement is not None:
        judgement = {
            "decided_by": judgement["decided_by"],
            "decided_at": _time_or_none(judgement["decided_at"]),
        }
    for entry in clip.get("consensus", []):
        record = {key: entry.get(key) for key in ("origin", "annotation", "decided_by", "decided_at")}
        if record["origin"] not in _CONSENSUS_ORIGINS:
            raise ValueError(f"{record['origin']!r} is not an origin of a consensus")
        _time(record["decided_at"])
        if record["annotation"] is not None:
            uuid.UUID(record["annotation"])
        fields = {key: entry[key] for key in _CODED}
        yield replace(source, agreed=True, record={**record, "judgement": judgement}, **fields)
    if judgement is not None and not clip.get("consensus"):
        yield replace(no_expression(source), agreed=True, record=judgement)


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


def _time_or_none(text: str | None) -> str | None:
    return None if text is None else _time(text)


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
