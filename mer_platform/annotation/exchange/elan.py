"""ELAN: one .eaf per clip with tiers for each coder (Expression@anna, Emotion@anna, AU@anna, Phase@anna), in one zip.

A span starts and ends when its frames are shown, in milliseconds from the first frame. Phases last from onset to apex and
from apex to offset. A span always has two ends, so another tier (Missing@anna) names the marks that are not set. Read by
``models_ml.formats.elan``. Format: ELAN, Max Planck Institute for Psycholinguistics, EAF 2.8.
"""

import io
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # the characters that XML forbids
from pympi.Elan import Eaf

from mer_platform.annotation.exchange.rows import ExportedMarking
from mer_platform.annotation.exchange.zips import Archive, safe_name
from mer_platform.annotation.marks import MARKS
from models_ml.errors import InputError
from models_ml.formats import elan
from models_ml.formats.base import Finding
from models_ml.formats.folders import VIDEOS
from models_ml.formats.spans import NO_EMOTION

CONSENSUS = "consensus"  # stands for the coder on the tiers of the consensus
_MIME = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
}
Spans = list[tuple[str, int, int, str]]  # tier, start, end, text


def write(rows: Sequence[ExportedMarking]) -> bytes:
    """Return a zip of .eaf files, named database/subject/clip.eaf.

    Raises InputError if a clip's frames are less than a millisecond apart, since ELAN counts in whole milliseconds.
    """
    by_clip: defaultdict[int, list[ExportedMarking]] = defaultdict(list)
    for row in rows:
        by_clip[row.clip.pk].append(row)
    file = io.BytesIO()
    used: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for own in by_clip.values():
            clip = own[0].clip
            name = safe_name(used, clip.database.name, clip.subject.name, clip.name, suffix=".eaf")
            archive.writestr(name, _document(own))
    return file.getvalue()


def _document(rows: list[ExportedMarking]) -> bytes:
    clip = rows[0].clip
    document = Eaf(author="")
    document.remove_tier("default")
    names = {"database": clip.database.name, "subject": clip.subject.name, "clip": clip.name}
    for key, value in names.items():
        document.add_property(f"{elan.PROPERTY}{key}", _xml(value))
    suffix = PurePath(clip.original_name).suffix.lower()
    if suffix in VIDEOS:
        relative = f"./{_xml(clip.original_name)}"
        document.add_linked_file(relative, relpath=relative, mimetype=_MIME[suffix])
    by_coder: defaultdict[str, list[ExportedMarking]] = defaultdict(list)
    for row in rows:
        by_coder[row.coder or CONSENSUS].append(row)
    for coder, own in sorted(by_coder.items()):
        _add_coder(document, coder, own)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.eaf"
        document.to_file(str(path))
        return path.read_bytes()


def _add_coder(document: Eaf, coder: str, rows: list[ExportedMarking]) -> None:
    """Add a coder's expressions to one set of tiers. Overlapping expressions go to further sets."""
    ends: list[int] = []
    placed = sorted((_spans(row) for row in rows), key=lambda spans: (spans[0][1], spans[0][2]))
    for spans in placed:
        _, start, end, _ = spans[0]
        lane = next((n for n, last in enumerate(ends) if last < start), len(ends))
        ends[lane : lane + 1] = [end]
        for title, first, last, text in spans:
            tier = f"{title}{f' #{lane + 1}' if lane else ''}@{_xml(coder)}"
            if tier not in document.tiers:
                document.add_tier(tier, ann=_xml(coder))
            document.add_annotation(tier, first, last, _xml(text))


def _spans(row: ExportedMarking) -> Spans:
    """Return the spans of one expression, the expression itself first."""
    timing, marks = row.timing, {name: row.timing.ms(index) for name, index in row.marks().items()}
    start, end = min(marks.values(), default=0), max(marks.values(), default=0)
    ends = (0, 1) if start == end else (0,)  # a span of one frame lasts a millisecond
    if any(
        timing.at_ms(marks[name] + after) != index for name, index in row.marks().items() for after in ends
    ):
        raise InputError(
            f"Cannot export {row.clip} to ELAN: its frames are too close together for whole milliseconds. "
            "Leave the clip out, or choose another format."
        )
    end = max(end, start + 1)
    spans = [
        ("Expression", start, end, row.marking.kind),
        ("Emotion", start, end, row.marking.emotion or NO_EMOTION),
    ]
    if row.marking.action_units:
        spans.append(("AU", start, end, row.marking.action_units))
    spans += _phases(marks)
    if missing := [f"no {name}" for name in MARKS if name not in marks]:
        spans.append(("Missing", start, end, ", ".join(missing)))
    return spans


def _phases(marks: dict[str, int]) -> Spans:
    onset, apex, offset = (marks.get(name) for name in MARKS)
    spans: Spans = []
    if apex is None:
        return spans
    if onset is not None and onset < apex:
        spans.append(("Phase", onset, apex, "onset-apex"))
    if offset is not None and apex < offset:
        spans.append(("Phase", apex, offset, "apex-offset"))
    return spans or [("Phase", apex, apex + 1, "apex")]


def _xml(text: str) -> str:
    return ILLEGAL_CHARACTERS_RE.sub(" ", text)


def read(name: str, content: bytes) -> Finding:
    """Read one .eaf or a zip of several. Raises InputError if nothing in it can be read."""
    return elan.read(Archive(name, content, (".eaf",)), None, frozenset())
