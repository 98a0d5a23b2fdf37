"""The tables that can be taken away: the samples of a version, and what was marked in a project.

Frames stand in two columns: the 0-based index into the clip that the platform uses everywhere, and the number the
recording itself gives that frame (``…_source_frame``), as coding sheets do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.text import slugify

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.projects.models import Project
from models_ml.errors import InputError

MARKS = ("onset", "apex", "offset")
CLIPS_AT_A_TIME = 200
ExportRow = tuple[Any, ...]


@dataclass(frozen=True)
class ExportTable:
    """Rows as they come from the database, in columns of one type each: ``str``, ``int``, ``float`` or ``datetime``."""

    name: str
    columns: dict[str, type]
    rows: Iterator[ExportRow]


_FRAMES: dict[str, type] = {**dict.fromkeys(MARKS, int), **{f"{mark}_source_frame": int for mark in MARKS}}
SAMPLE_COLUMNS: dict[str, type] = {
    "index": int, "database": str, "subject": str, "name": str, "source": str, **_FRAMES, "apex_from": str,
    "emotion": str, "label": str, "content_sha256": str, "version": str, "version_sha256": str,
}  # fmt: skip
ANNOTATION_COLUMNS: dict[str, type] = {
    "database": str, "subject": str, "clip": str, "marked_by": str, "coder": str, "origin": str, "kind": str,
    **_FRAMES, "emotion": str, "action_units": str, "confidence": int, "note": str, "changed_at": datetime,
    "frame_count": int, "frames_per_second": float, "clip_sha256": str,
}  # fmt: skip


def samples(version: CompositeVersion) -> ExportTable:
    """The samples of a frozen version, in its order."""
    name = f"{slugify(version.composite.name) or 'composite'}-v{version.number}-samples"
    return ExportTable(name, SAMPLE_COLUMNS, _sample_rows(version))


def annotations(project: Project) -> ExportTable:
    """What every coder marked in every clip, and the consensus: a row each."""
    return ExportTable(f"{project.slug}-annotations", ANNOTATION_COLUMNS, _annotation_rows(project))


def _sample_rows(version: CompositeVersion) -> Iterator[ExportRow]:
    numbers = SourceNumbers()
    rows = version.samples.select_related("clip").order_by("index")
    for sample in rows.iterator(chunk_size=2000):
        yield (
            sample.index, sample.database, sample.subject, sample.name, "picture" if sample.clip is None else "clip",
            *_frames(sample, sample.clip, numbers), sample.apex_from, sample.emotion, sample.label,
            sample.content_sha256, str(version), version.content_hash,
        )  # fmt: skip


def _annotation_rows(project: Project) -> Iterator[ExportRow]:
    numbers = SourceNumbers()
    clips = (
        Clip.objects.filter(project=project)
        .select_related("subject__database")
        .prefetch_related("annotations__coder", "consensus__annotation__coder")
    )
    for clip in clips.iterator(chunk_size=CLIPS_AT_A_TIME):
        for agreed in clip.consensus.all():
            coder = agreed.annotation.coder.username if agreed.annotation else ""
            by = ("consensus", coder, agreed.origin)
            yield _annotation_row(clip, agreed, by, (None, ""), agreed.decided_at, numbers)
        for marking in clip.annotations.all():
            by = ("coder", marking.coder.username, "")
            said = (marking.confidence, marking.note)
            yield _annotation_row(clip, marking, by, said, marking.updated_at, numbers)


def _annotation_row(
    clip: Clip,
    marking: Annotation | Consensus,
    by: tuple[str, str, str],
    said: tuple[int | None, str],
    changed_at: datetime,
    numbers: "SourceNumbers",
) -> ExportRow:
    return (
        clip.database.name, clip.subject.name, clip.name, *by, marking.kind, *_frames(marking, clip, numbers),
        marking.emotion, marking.action_units, *said, changed_at, clip.frame_count, clip.rate, clip.sha256,
    )  # fmt: skip


def _frames(
    marked: Sample | Annotation | Consensus, clip: Clip | None, numbers: "SourceNumbers"
) -> ExportRow:
    """Onset, apex and offset as indices, and then as source frame numbers."""
    marks = [getattr(marked, mark) for mark in MARKS]
    return (*marks, *(numbers.of(clip, mark) for mark in marks))


class SourceNumbers:
    """Source frame numbers of clips, from the indexes of their frame packs; that of the last clip asked for is kept.

    They are read, not counted on from the first: sources have gaps.
    """

    def __init__(self) -> None:
        self._clip: int | None = None
        self._numbers: Sequence[int] = ()

    def of(self, clip: Clip | None, frame: int | None) -> int | None:
        """The source's number of a frame, or None where there is no mark, no clip, or no frame pack."""
        if clip is None or frame is None:
            return None
        if clip.pk != self._clip:
            self._clip, self._numbers = clip.pk, self._read(clip)
        return self._numbers[frame] if frame < len(self._numbers) else None

    def _read(self, clip: Clip) -> Sequence[int]:
        try:
            return read_index(clip).source
        except InputError:
            return ()
