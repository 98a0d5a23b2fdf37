"""The lossless format: all stored data of annotations, as JSON.

``{"schema": "mer-annotations", "schema_version": 2, "clips": [{database, subject, name, sha256, …, "annotations": […],
"codings": […], "consensus": […], "judgement": …}]}``. Frames are frame indices. An import finds a clip by the SHA-256 of its
file. An annotation has its key, coder, all fields, revision, times and all versions. Deleted annotations are left out.

``codings`` lists the coders who are done with the clip, and when: one of them without annotations states that the clip shows
no expression. ``judgement`` is who decided on the consensus, and when; without consensus, it is the decision that the clip
shows no expression. Files of version 1 have neither.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from models_ml.errors import InputError
from models_ml.formats import lossless_entries as entries
from models_ml.formats.base import FIELDS, RARELY_CODED, Export, Finding, Marked, MarkedClip, no_expression
from models_ml.formats.report import ImportReport
from models_ml.wording import given

SCHEMA = "mer-annotations"
_CODED = [name for name in FIELDS if name not in RARELY_CODED]
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
            f"“{name}” has version {given(version)} of the format {SCHEMA}. This platform reads versions "
            f"{' and '.join(map(str, _READ))}."
        )
    if not isinstance(clips, list):
        raise InputError(f"“{name}” has no list “clips”. Export it again.")
    parsed, report = Finding(), ImportReport()
    for number, entry in enumerate(clips, 1):
        try:
            clip = entries.Clip.model_validate(entry)
        except ValidationError as error:
            message = f"Cannot read this clip. {entries.reason(error)}"
            report.error("clip-damaged", message, file=name, row=number, **_names(entry))
        else:
            source = Marked(
                clip=clip.name, database=clip.database, subject=clip.subject, sha256=clip.sha256, unit="index",
                file=name, row=number,
            )  # fmt: skip
            parsed.annotations += [*_coded(clip, source, report), *_agreed(clip, source)]
    parsed.problems = report.problems
    return parsed


def _names(entry: Any) -> dict[str, Any]:
    """Return what names a damaged clip, for the report."""
    names = {"subject": entry.get("subject"), "clip": entry.get("name")} if isinstance(entry, dict) else {}
    return {key: text.replace("\0", "")[:100] for key, text in names.items() if isinstance(text, str)}


def _coded(clip: entries.Clip, source: Marked, report: ImportReport) -> Iterator[Marked]:
    """Yield the annotations of a clip, and the statements of coders that it shows no expression."""
    done = {coding.coder: coding.done_at for coding in clip.codings}
    unseen = dict(done)
    sound: list[Marked] = []
    for position, given_entry in enumerate(clip.annotations, 1):
        if isinstance(given_entry, dict):  # also a damaged one shows that the coder saw an expression
            unseen.pop(str(given_entry.get("coder")), None)
        try:
            entry = entries.Annotation.model_validate(given_entry)
            wrong = _contradiction(entry)
        except ValidationError as error:
            wrong = entries.reason(error)
        if wrong:
            message = f"Cannot read annotation {position} of this clip. {wrong}"
            report.error("annotation-damaged", message, column="annotations", **source.where())
            if isinstance(
                given_entry, dict
            ):  # without it, the others are not all that the coder was done with
                done.pop(str(given_entry.get("coder")), None)
            continue
        record = entry.model_dump(include={"revision", "created_at", "updated_at", "versions"})
        fields = {name: getattr(entry, name) for name in FIELDS}
        own = replace(source, coder=entry.coder, silent=frozenset(), key=entry.key, record=record, **fields)
        sound.append(own)
    for own in sound:
        yield replace(own, record={**(own.record or {}), "done_at": done.get(own.coder)})
    for coder, done_at in unseen.items():
        yield replace(no_expression(source), coder=coder, record={"done_at": done_at})


def _agreed(clip: entries.Clip, source: Marked) -> Iterator[Marked]:
    """Yield the consensus of a clip, or the decision that it shows no expression."""
    judgement = clip.judgement.model_dump() if clip.judgement else None
    for entry in clip.consensus:
        record = entry.model_dump(include={"origin", "annotation", "decided_by", "decided_at"})
        fields = {name: getattr(entry, name) for name in _CODED}
        yield replace(source, agreed=True, record={**record, "judgement": judgement}, **fields)
    if judgement is not None and not clip.consensus:
        yield replace(no_expression(source), agreed=True, record=judgement)


def _contradiction(entry: entries.Annotation) -> str:
    """Return in words how the revisions of an annotation contradict each other; "" if they do not."""
    revisions = [version.revision for version in entry.versions]
    if len(set(revisions)) == len(revisions) and revisions[-1:] in ([], [entry.revision]):
        return ""
    return (
        f"Its revisions contradict each other: each version must have its own, and the last must be {entry.revision}, "
        "as “revision” says."
    )


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
