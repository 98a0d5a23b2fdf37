"""ELAN: one .eaf per clip with tiers for each coder (Expression@anna, Emotion@anna, AU@anna, Phase@anna), in one zip.

A span starts and ends when its frames are shown, in milliseconds from the first frame. Phases last from onset to apex and
from apex to offset. A span always has two ends, so another tier (Missing@anna) names the marks that are not set. Read by
``models_ml.formats.elan.reading``. Format: ELAN, Max Planck Institute for Psycholinguistics, EAF 2.8.
"""

import io
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # the characters that XML forbids
from pympi.Elan import Eaf

from models_ml.errors import InputError
from models_ml.formats.base import MARKS, Marked, MarkedClip
from models_ml.formats.elan.reading import PROPERTY
from models_ml.formats.spans import CONSENSUS, NO_EMOTION
from models_ml.formats.zips import safe_name
from models_ml.video.filetypes import VIDEOS

_MIME = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
}
Spans = list[tuple[str, int, int, str]]  # tier, start, end, text


def write(clips: Sequence[MarkedClip]) -> bytes:
    """Return a zip of .eaf files, named database/subject/clip.eaf.

    Raises InputError if a clip's frames are less than a millisecond apart, since ELAN counts in whole milliseconds.
    """
    file = io.BytesIO()
    used: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for clip in clips:
            name = safe_name(used, clip.database, clip.subject, clip.name, suffix=".eaf")
            archive.writestr(name, _document(clip))
    return file.getvalue()


def _document(clip: MarkedClip) -> bytes:
    document = Eaf(author="")
    document.remove_tier("default")
    names = {"database": clip.database, "subject": clip.subject, "clip": clip.name}
    for key, value in names.items():
        document.add_property(f"{PROPERTY}{key}", _xml(value))
    suffix = PurePath(clip.file).suffix.lower()
    if suffix in VIDEOS:
        relative = f"./{_xml(clip.file)}"
        document.add_linked_file(relative, relpath=relative, mimetype=_MIME[suffix])
    by_coder: defaultdict[str, list[Marked]] = defaultdict(list)
    for marked in clip.marked:
        by_coder[CONSENSUS if marked.agreed else marked.coder].append(marked)
    for coder, own in sorted(by_coder.items()):
        _add_coder(document, coder, [_spans(clip, marked) for marked in own])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.eaf"
        document.to_file(str(path))
        return path.read_bytes()


def _add_coder(document: Eaf, coder: str, expressions: list[Spans]) -> None:
    """Add a coder's expressions to one set of tiers. Overlapping expressions go to further sets."""
    ends: list[int] = []
    for spans in sorted(expressions, key=lambda spans: (spans[0][1], spans[0][2])):
        _, start, end, _ = spans[0]
        lane = next((n for n, last in enumerate(ends) if last < start), len(ends))
        ends[lane : lane + 1] = [end]
        for title, first, last, text in spans:
            tier = f"{title}{f' #{lane + 1}' if lane else ''}@{_xml(coder)}"
            if tier not in document.tiers:
                document.add_tier(tier, ann=_xml(coder))
            document.add_annotation(tier, first, last, _xml(text))


def _spans(clip: MarkedClip, marked: Marked) -> Spans:
    """Return the spans of one expression, the expression itself first."""
    timing, indices = clip.timing, marked.marks()
    marks = {name: timing.ms(index) for name, index in indices.items()}
    start, end = min(marks.values(), default=0), max(marks.values(), default=0)
    ends = (0, 1) if start == end else (0,)  # a span of one frame lasts a millisecond
    if any(timing.at_ms(marks[name] + after) != index for name, index in indices.items() for after in ends):
        raise InputError(
            f"Cannot export {clip} to ELAN: its frames are too close together for whole milliseconds. "
            "Leave the clip out, or choose another format."
        )
    end = max(end, start + 1)
    spans = [
        ("Expression", start, end, marked.kind),
        ("Emotion", start, end, marked.emotion or NO_EMOTION),
    ]
    if marked.action_units:
        spans.append(("AU", start, end, marked.action_units))
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
