"""The lossless format: everything that is stored of annotations, as JSON.

``{"schema": "mer-annotations", "schema_version": 1, "clips": [{database, subject, name, sha256, …, "annotations": […],
"consensus": […]}]}``. Frames are 0-based indices; a clip is known again by the SHA-256 of its file. An annotation has its
key, coder, all fields, revision, times, and every version of it. What was deleted is left out.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.dateparse import parse_datetime

from mer_platform.annotation.exchange.rows import CODED, Incoming, Outgoing, Read
from mer_platform.annotation.models import Annotation, Consensus, ConsensusOrigin
from mer_platform.clips.models import Clip
from models_ml.errors import InputError
from models_ml.formats.report import ImportReport

SCHEMA = "mer-annotations"
VERSION = 1


def write(rows: Sequence[Outgoing]) -> bytes:
    """The document; rows of one clip follow each other."""
    clips: dict[int, dict[str, Any]] = {}
    for row in rows:
        entry = clips.setdefault(row.clip.pk, _clip(row.clip))
        if isinstance(row.marking, Annotation):
            entry["annotations"].append(_annotation(row.marking, row.coder))
        else:
            entry["consensus"].append(_consensus(row.marking))
    document = {"schema": SCHEMA, "schema_version": VERSION, "clips": list(clips.values())}
    return json.dumps(document, cls=_Exact, ensure_ascii=False, indent=1).encode()


class _Exact(DjangoJSONEncoder):
    """Times with their microseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def _clip(clip: Clip) -> dict[str, Any]:
    return {
        "database": clip.database.name, "subject": clip.subject.name, "name": clip.name, "sha256": clip.sha256,
        "frame_count": clip.frame_count, "fps": clip.fps, "first_source_number": clip.first_source_number,
        "annotations": [], "consensus": [],
    }  # fmt: skip


def _annotation(annotation: Annotation, coder: str) -> dict[str, Any]:
    versions = [
        {
            "revision": version.revision,
            "content": version.content,
            "made_by": version.made_by.username if version.made_by else None,
            "made_at": version.made_at,
            "client": version.client,
        }
        for version in annotation.versions.all()
    ]
    return {
        "key": annotation.key, "coder": coder, **{name: getattr(annotation, name) for name in Annotation.FIELDS},
        "revision": annotation.revision, "created_at": annotation.created_at, "updated_at": annotation.updated_at,
        "versions": versions,
    }  # fmt: skip


def _consensus(consensus: Consensus) -> dict[str, Any]:
    return {
        **{name: getattr(consensus, name) for name in CODED},
        "origin": consensus.origin,
        "annotation": consensus.annotation.key if consensus.annotation else None,
        "decided_by": consensus.decided_by.username if consensus.decided_by else None,
        "decided_at": consensus.decided_at,
    }


def is_lossless(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def read(name: str, document: dict[str, Any]) -> Read:
    """The rows of a parsed document. Raises InputError for one of a later version, or without clips."""
    version, clips = document.get("schema_version"), document.get("clips")
    if version != VERSION:
        raise InputError(
            f"“{name}” has version {version!r} of the format {SCHEMA}; this platform reads version {VERSION}."
        )
    if not isinstance(clips, list):
        raise InputError(f"“{name}” has no list “clips”: export it again.")
    found, report = Read(), ImportReport()
    for number, clip in enumerate(clips, 1):
        try:
            _read_clip(name, clip, number, found, report)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            report.error("clip-damaged", f"The entry cannot be read ({_said(error)}).", file=name, row=number)
    found.problems = report.problems
    return found


def _read_clip(name: str, clip: dict[str, Any], number: int, found: Read, report: ImportReport) -> None:
    names = {key: str(clip[key]) for key in ("database", "subject", "sha256")}
    where = {"file": name, "row": number, "subject": names["subject"], "clip": str(clip["name"])}
    for place, entry in enumerate(clip["annotations"], 1):
        try:
            fields = {key: entry[key] for key in Annotation.FIELDS}
            row = Incoming(
                str(clip["name"]), str(entry["coder"]), "index", fields, name, row=number,
                key=str(uuid.UUID(entry["key"])), record=_record(entry), **names,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"Annotation {place} of the clip cannot be read ({_said(error)})."
            report.error("annotation-damaged", message, column="annotations", **where)
        else:
            found.rows.append(row)
    for entry in clip.get("consensus", []):
        fields = {key: entry[key] for key in CODED}
        record = {key: entry.get(key) for key in ("origin", "annotation", "decided_by", "decided_at")}
        if record["origin"] not in ConsensusOrigin.values:
            raise ValueError(f"{record['origin']!r} is no origin of a consensus")
        _time(record["decided_at"])
        if record["annotation"] is not None:
            uuid.UUID(record["annotation"])
        found.consensus.append(
            Incoming(str(clip["name"]), "", "index", fields, name, row=number, record=record, **names)
        )


def _record(entry: dict[str, Any]) -> dict[str, Any]:
    """Revision, times and versions, checked. Raises ValueError or KeyError for what cannot be."""
    versions = [
        {
            "revision": int(version["revision"]),
            "content": {key: version["content"][key] for key in (*Annotation.FIELDS, "deleted")},
            "made_by": version["made_by"],
            "made_at": _time(version["made_at"]),
            "client": str(version["client"]),
        }
        for version in entry["versions"]
    ]
    revisions = [version["revision"] for version in versions]
    revision = int(entry["revision"])
    whole = all(1 <= number < 1 << 31 for number in (*revisions, revision))
    if len(set(revisions)) != len(revisions) or not whole or revisions[-1:] not in ([], [revision]):
        raise ValueError("its revisions contradict each other")
    return {
        "revision": revision,
        "created_at": _time(entry["created_at"]),
        "updated_at": _time(entry["updated_at"]),
        "versions": versions,
    }


def _time(text: str) -> str:
    if parse_datetime(text) is None:
        raise ValueError(f"{text!r} is no time")
    return text


def _said(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)
