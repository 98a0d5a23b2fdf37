"""The tables that can be exported: the samples of a version, and all annotations of a project.

Each mark has two columns: the 0-based frame index that the platform uses everywhere, and the source frame
(``…_source_frame``), the number that the recording itself gives to the frame, as coding sheets do.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.text import slugify

from mer_platform.annotation.marks import MARKS
from mer_platform.annotation.models import Annotation, Consensus, ConsensusOrigin
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of, read_index
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.projects.models import Project
from mer_platform.table_files import ExportRow, ExportTable
from models_ml.errors import InputError
from models_ml.formats.spans import NO_EXPRESSION

CLIPS_PER_QUERY = 200


_FRAMES: dict[str, type] = {**dict.fromkeys(MARKS, int), **{f"{mark}_source_frame": int for mark in MARKS}}
SAMPLE_COLUMNS: dict[str, type] = {
    "index": int, "database": str, "subject": str, "name": str, "source": str, **_FRAMES, "apex_from": str,
    "emotion": str, "label": str, "content_sha256": str, "version": str, "version_sha256": str,
}  # fmt: skip
ANNOTATION_COLUMNS: dict[str, type] = {
    "database": str, "subject": str, "clip": str, "marked_by": str, "coder": str, "origin": str, "kind": str,
    **_FRAMES, "emotion": str, "action_units": str, "confidence": int, "note": str, "changed_at": datetime,
    **{f"{mark}_ms": float for mark in MARKS}, "duration_ms": float,
    "frame_count": int, "frames_per_second": float, "clip_sha256": str,
}  # fmt: skip


def samples(version: CompositeVersion) -> ExportTable:
    """Return the samples of a frozen version, in its order."""
    name = f"{slugify(version.composite.name) or 'composite'}-v{version.number}-samples"
    return ExportTable(name, SAMPLE_COLUMNS, _sample_rows(version))


def annotations(project: Project) -> ExportTable:
    """Return all annotations of all coders and the consensus, one per row.

    A coder who is done with a clip without annotations, or a judge, states that the clip shows no expression: that is a row
    of the kind "no expression", without marks.
    """
    return ExportTable(f"{project.slug}-annotations", ANNOTATION_COLUMNS, _annotation_rows(project))


def _sample_rows(version: CompositeVersion) -> Iterator[ExportRow]:
    frames = SourceFrames()
    rows = version.samples.select_related("clip").order_by("index")
    for sample in rows.iterator(chunk_size=2000):
        yield (
            sample.index, sample.database, sample.subject, sample.name, sample.material,
            *_marks(sample, sample.clip, frames), sample.apex_from, sample.emotion, sample.label,
            sample.content_sha256, str(version), version.content_hash,
        )  # fmt: skip


def _annotation_rows(project: Project) -> Iterator[ExportRow]:
    frames = SourceFrames()
    clips = (
        Clip.objects.filter(project=project)
        .select_related("subject__database", "judgement")
        .prefetch_related("annotations__coder", "assignments__coder", "consensus__annotation__coder")
    )
    for clip in clips.iterator(chunk_size=CLIPS_PER_QUERY):
        for agreed in clip.consensus.all():
            coder = agreed.annotation.coder.username if agreed.annotation else ""
            by = ("consensus", coder, agreed.origin)
            yield _annotation_row(clip, agreed, by, (None, ""), agreed.decided_at, frames)
        for annotation in clip.annotations.all():
            by = ("coder", annotation.coder.username, "")
            remarks = (annotation.confidence, annotation.note)
            yield _annotation_row(clip, annotation, by, remarks, annotation.updated_at, frames)
        yield from _statement_rows(clip)


def _statement_rows(clip: Clip) -> Iterator[ExportRow]:
    """Yield a row for each statement that the clip shows no expression."""
    judgement = getattr(clip, "judgement", None)
    if judgement is not None and not clip.consensus.all():
        yield _statement_row(clip, ("consensus", "", ConsensusOrigin.ADJUDICATED), judgement.decided_at)
    coded = {annotation.coder_id for annotation in clip.annotations.all()}
    for assignment in clip.assignments.all():
        if assignment.done_at is not None and assignment.coder_id not in coded:
            yield _statement_row(clip, ("coder", assignment.coder.username, ""), assignment.done_at)


def _statement_row(clip: Clip, by: tuple[str, str, str], at: datetime) -> ExportRow:
    marks = (None,) * len(_FRAMES)
    return (
        clip.database.name, clip.subject.name, clip.name, *by, NO_EXPRESSION, *marks, "", "", None, "", at,
        *(None,) * (len(MARKS) + 1), clip.frame_count, clip.rate, clip.sha256,
    )  # fmt: skip


def _annotation_row(
    clip: Clip,
    marking: Annotation | Consensus,
    by: tuple[str, str, str],
    remarks: tuple[int | None, str],
    changed_at: datetime,
    frames: "SourceFrames",
) -> ExportRow:
    return (
        clip.database.name, clip.subject.name, clip.name, *by, marking.kind, *_marks(marking, clip, frames),
        marking.emotion, marking.action_units, *remarks, changed_at, *_times(marking, clip),
        clip.frame_count, clip.rate, clip.sha256,
    )  # fmt: skip


def _marks(marked: Sample | Annotation | Consensus, clip: Clip | None, frames: "SourceFrames") -> ExportRow:
    """Return onset, apex and offset as frame indices, then as source frames."""
    marks = [getattr(marked, mark) for mark in MARKS]
    return (*marks, *(frames.of(clip, mark) for mark in marks))


def _times(marking: Annotation | Consensus, clip: Clip) -> ExportRow:
    """Return when onset, apex and offset were recorded and the duration, in milliseconds; None where it is not known."""
    try:
        clock = clock_of(clip)
    except InputError:
        return (None,) * (len(MARKS) + 1)
    onset, _, offset = marks = [getattr(marking, mark) for mark in MARKS]
    duration = None if onset is None or offset is None else round(clock.duration_ms(onset, offset), 3)
    return (*(None if mark is None else round(clock.ms(mark), 3) for mark in marks), duration)


class SourceFrames:
    """Source frames of clips, read from their pack indexes, because recordings have gaps. Caches one clip."""

    def __init__(self) -> None:
        self._clip: int | None = None
        self._frames: Sequence[int] = ()

    def of(self, clip: Clip | None, frame: int | None) -> int | None:
        """Return the source frame at a frame index, or None without a mark, a clip or a pack index."""
        if clip is None or frame is None:
            return None
        if clip.pk != self._clip:
            self._clip, self._frames = clip.pk, self._read(clip)
        return self._frames[frame] if frame < len(self._frames) else None

    def _read(self, clip: Clip) -> Sequence[int]:
        try:
            return read_index(clip).source
        except InputError:
            return ()
