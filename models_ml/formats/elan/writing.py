"""ELAN: one .eaf per clip with tiers for each coder (Expression@anna, Emotion@anna, AU@anna, Phase@anna), in one zip.

A span starts and ends when its frames are shown, in milliseconds from the first frame. Phases last from onset to apex and
from apex to offset. A span always has two ends, so another tier (Missing@anna) names what an expression does not have. A
coder who saw no expression has "no expression" on the tier Expression, over the whole clip. The other tiers are below
Expression, and vocabularies offer the emotions of the database, the kinds and the phases. Read by
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
from models_ml.formats.spans import CONSENSUS, KINDS, NO_EMOTION, NO_EXPRESSION, NO_UNITS, PHASES
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
_TOP = "Expression"
_VOCABULARIES = {"Expression": "kinds", "Emotion": "emotions", "Phase": "phases"}  # by tier
# Of the tiers below Expression: one text for the whole expression, or times of their own in it.
_CONSTRAINTS = {
    "Emotion": "Symbolic_Association",
    "AU": "Symbolic_Association",
    "Phase": "Included_In",
    "Missing": "Symbolic_Association",
}
# ELAN's own language of texts in no language.
_LANGUAGE = ("und", "http://cdb.iso.org/lg/CDB-00130975-001", "undetermined (und)")
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
    document.remove_linguistic_type("default-lt")
    document.header |= {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    names = {"database": clip.database, "subject": clip.subject, "clip": clip.name}
    document.properties = [(f"{PROPERTY}{key}", _xml(value)) for key, value in names.items()]
    suffix = PurePath(clip.file).suffix.lower()
    if suffix in VIDEOS:
        relative = f"./{_xml(clip.file)}"
        document.add_linked_file(relative, relpath=relative, mimetype=_MIME[suffix])
    _add_types(document, clip)
    by_coder: defaultdict[str, list[Marked]] = defaultdict(list)
    for marked in clip.marked:
        by_coder[CONSENSUS if marked.agreed else marked.coder].append(marked)
    for coder, own in sorted(by_coder.items()):
        _add_coder(document, _xml(coder), [_spans(clip, marked) for marked in own])
    document.add_property("lastUsedAnnotationId", document.maxaid)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.eaf"
        document.to_file(str(path))
        return path.read_bytes()


def _add_types(document: Eaf, clip: MarkedClip) -> None:
    """Add a type for each kind of tier, and the vocabularies from which coders choose its texts."""
    document.add_language(*_LANGUAGE)
    emotions = [*clip.emotions, *(m.emotion for m in clip.marked if m.emotion), NO_EMOTION]
    vocabularies = {"kinds": [*KINDS, NO_EXPRESSION], "emotions": emotions, "phases": PHASES}
    for name, words in vocabularies.items():
        document.add_controlled_vocabulary(name)
        document.add_cv_description(name, _LANGUAGE[0])
        for number, word in enumerate(dict.fromkeys(words)):
            document.add_cv_entry(name, f"{name}{number}", [(_xml(word), _LANGUAGE[0], None)])
    for title in (_TOP, *_CONSTRAINTS):
        constraint = _CONSTRAINTS.get(title)
        document.add_linguistic_type(
            title,
            param_dict={
                "LINGUISTIC_TYPE_ID": title,
                "TIME_ALIGNABLE": str(constraint != "Symbolic_Association").lower(),
                "GRAPHIC_REFERENCES": "false",
                "CONSTRAINTS": constraint,
                "CONTROLLED_VOCABULARY_REF": _VOCABULARIES.get(title),
            },
        )


def _add_coder(document: Eaf, coder: str, expressions: list[Spans]) -> None:
    """Add a coder's expressions to one set of tiers. Overlapping expressions go to further sets."""
    ends: list[int] = []
    for spans in sorted(expressions, key=lambda spans: (spans[0][1], spans[0][2])):
        (_, start, end, text), *parts = spans
        lane = next((n for n, last in enumerate(ends) if last < start), len(ends))
        ends[lane : lane + 1] = [end]
        names = {
            title: f"{title}{f' #{lane + 1}' if lane else ''}@{coder}" for title in (_TOP, *_CONSTRAINTS)
        }
        if names[_TOP] not in document.tiers:
            for title, name in names.items():
                document.add_tier(name, title, parent=names[_TOP] if title != _TOP else None, ann=coder)
        document.add_annotation(names[_TOP], start, end, _xml(text))
        whole = next(reversed(document.tiers[names[_TOP]][0]))
        for title, first, last, part in parts:
            if document.linguistic_types[title]["TIME_ALIGNABLE"] == "true":
                document.add_annotation(names[title], first, last, _xml(part))
            else:  # pympi's own method searches the parent by time
                key = document.generate_annotation_id()
                document.annotations[key] = names[title]
                document.tiers[names[title]][1][key] = (whole, _xml(part), None, None)


def _spans(clip: MarkedClip, marked: Marked) -> Spans:
    """Return the spans of one expression, the expression itself first."""
    timing, indices = clip.timing, marked.marks()
    if not marked.shown:
        return [(_TOP, 0, max(1, timing.ms(clip.frame_count - 1)), NO_EXPRESSION)]
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
        (_TOP, start, end, marked.kind),
        ("Emotion", start, end, marked.emotion or NO_EMOTION),
    ]
    if marked.action_units:
        spans.append(("AU", start, end, marked.action_units))
    spans += _phases(marks)
    missing = [f"no {name}" for name in MARKS if name not in marks]
    if missing := [*missing, *([] if marked.action_units else [NO_UNITS])]:
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
