"""CASME II (Yan et al. 2014, PLoS ONE 9(1), doi 10.1371/journal.pone.0086041): 200 frames/s, 26 subjects.

Sheet ``CASME2-coding-*.xlsx``: Subject, Filename, (unnamed), OnsetFrame, ApexFrame ("/" if there is none), OffsetFrame,
(unnamed), Action Units, Estimated Emotion. The subject is a number (1) or a text ("01"). Frames:
``CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`` or ``Cropped/sub01/EP02_01f/reg_img46.jpg``, by source frame number.
Names in the project: subject "sub01", clip "EP02_01f", as in the list of MEGC2019.
"""

import re
from collections.abc import Sequence

from models_ml.formats.base import Layout, Marked, MarkedClip
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.errata import Erratum
from models_ml.formats.sheet_writing import NO_EXPRESSION, Row, sheet_exports, source_marks

ERRATA = (
    Erratum(
        "sub16",
        "EP01_08",
        "offset",
        "110",
        "96",
        "The sheet codes frames 73–110, but the cropped folder ends with frame 96, here and in a public audit of the "
        "database (24 files instead of 38; all other clips agree). Frame 96 is the last frame available, not the end of "
        "the expression.",
        frame_absent=True,
    ),
)


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("1"), subject_name("Sub1"), subject_name("sub01"), subject_name("EP02_01f")
    ('sub01', 'sub01', 'sub01', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?|s)?[ _]?0*([1-9]\d?)", text.strip().lower())
    return f"sub{int(match[1]):02d}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise sub01/EP02_01f below any folder."""
    if len(parts) < 2 or not parts[-1].upper().startswith("EP") or not parts[-2].lower().startswith("s"):
        return None
    subject = subject_name(parts[-2])
    return ClipIdentity(parts[:-2], subject, parts[-1], parts[-2]) if subject else None


DATABASE = CodedDatabase(
    key="casme2",
    name="CASME II",
    fps=200.0,
    emotions=("happiness", "disgust", "surprise", "repression", "sadness", "fear", "others"),
    columns=(SUBJECT, FILENAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION),
    expects="sub01/EP02_01f/img46.jpg",
    identify=identify,
    subject=subject_name,
    errata=ERRATA,
)

LAYOUT = Layout(
    key=DATABASE.key,
    title="CASME II",
    expects="sub01/EP02_01f/img46.jpg and CASME2-coding….xlsx",
    read=DATABASE.read,
    columns=DATABASE.columns,
)


SHEET_COLUMNS = (
    "Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion",
    "Database", "Coder", "Kind", "Confidence", "Note",
)  # fmt: skip


def sheet_rows(clips: Sequence[MarkedClip]) -> list[Row]:
    """Return a table in CASME II's columns, followed by our own. As in its own sheet, no apex is "/", and sub01 is "01"."""
    return [SHEET_COLUMNS, *(_sheet_row(clip, marked) for clip in clips for marked in clip.marked)]


def _sheet_row(clip: MarkedClip, marked: Marked) -> Row:
    onset, apex, offset = source_marks(clip, marked)
    subject = clip.subject
    if subject_name(subject) == subject and subject[3:] not in clip.subjects:
        subject = subject[3:]
    no_apex = "/" if marked.shown else None
    return (
        subject, clip.name, None, onset, no_apex if apex is None else apex, offset, None, marked.action_units,
        marked.emotion, clip.database, marked.coder, marked.kind if marked.shown else NO_EXPRESSION, marked.confidence,
        marked.note,
    )  # fmt: skip


EXPORTS = sheet_exports("casme2", "CASME II", "OnsetFrame, ApexFrame, OffsetFrame …", sheet_rows)
